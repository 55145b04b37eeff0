// Numbers, sizes, moments and money as the reader writes them.

import { locale, t } from "./i18n.js";

const MAX_NAME = 120; // characters of a prompt that stands for its picture
const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function number(value) {
  return value.toLocaleString(locale());
}

/** Return a text that is read out as a name, such as that of a picture: of a long one the beginning. */
export function shortened(text) {
  return text.length > MAX_NAME ? `${text.slice(0, MAX_NAME)}…` : text;
}

/** Return a size in bytes as `1.2 MB`; 1 MB is 1,048,576 bytes. */
export function bytes(value) {
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  const digits = unit && size < 100 ? 1 : 0;
  return `${size.toLocaleString(locale(), { maximumFractionDigits: digits })} ${UNITS[unit]}`;
}

/** Return a moment in the reader's time zone, to the minute. */
export function moment(text) {
  return new Date(text).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

/** Return the moment with its time zone, for a tooltip. */
export function exactMoment(text) {
  return new Date(text).toLocaleString(locale(), { dateStyle: "full", timeStyle: "long" });
}

/** Return the day of a moment in the reader's time zone as `2026-11-27`. */
export function dayOf(text) {
  const day = new Date(text);
  const parts = [day.getFullYear(), day.getMonth() + 1, day.getDate()];
  return parts.map((part) => String(part).padStart(2, "0")).join("-");
}

/** Return a day, `2026-11-27`, in words: today, yesterday, or the date with its weekday. What is no day stays as it is. */
export function day(text) {
  const now = new Date();
  if (text === dayOf(now)) return t("time.today");
  if (text === dayOf(new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1))) return t("time.yesterday");
  const [year, month, date] = text.split("-").map(Number);
  if (dayOf(new Date(year, month - 1, date)) !== text) return text;
  const style = { month: "long", day: "numeric", weekday: "short", ...(year !== now.getFullYear() && { year: "numeric" }) };
  return new Date(year, month - 1, date).toLocaleDateString(locale(), style);
}

/** Return the month of a day, with its year where that is not this one. */
export function month(text) {
  const [year, at] = text.split("-").map(Number);
  const style = { month: "short", ...(year !== new Date().getFullYear() && { year: "numeric" }) };
  return new Date(year, at - 1, 1).toLocaleDateString(locale(), style);
}

/** Return a number of seconds as `12 秒`, `3 分 5 秒`, `2 小时 3 分`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("time.seconds", { n: whole });
  if (whole < 3600) return t("time.minutes", { m: Math.floor(whole / 60), s: whole % 60 });
  return t("time.hours", { h: Math.floor(whole / 3600), m: Math.floor((whole % 3600) / 60) });
}

/** Return an amount, a decimal string, in its currency: `¥0.20`. Never rounded: it is somebody's money. */
export function money(amount, currency) {
  const digits = amount.split(".")[1]?.length ?? 0;
  try {
    const style = { style: "currency", currency, currencyDisplay: "narrowSymbol" };
    const shownDigits = { minimumFractionDigits: Math.min(Math.max(digits, 2), 20), maximumFractionDigits: 20 };
    return new Intl.NumberFormat(locale(), { ...style, ...shownDigits }).format(amount);
  } catch {
    return `${amount} ${currency}`; // a currency that is none of the world's
  }
}

/** Return a cost of the API in words: `¥0.20`, `约 ¥0.20`; what is unknown says so. */
export function cost(told) {
  if (!told) return t("cost.none");
  if (told.basis === "unknown" || told.amount === null) return t("cost.unknown");
  const amount = money(told.amount, told.currency);
  return told.basis === "estimated" ? t("cost.about", { amount }) : amount;
}

// Numbers, sizes, moments and money as the reader writes them.

import { locale, t } from "./i18n.js";
import { keepShared, onShared, recallShared } from "./kept.js";
import { signal } from "../vendor/index.js";

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
export function moment(text, style = { dateStyle: "medium", timeStyle: "short" }) {
  return new Date(text).toLocaleString(locale(), style);
}

/** Return the moment with its time zone, for a tooltip. */
export function exactMoment(text) {
  return new Date(text).toLocaleString(locale(), { dateStyle: "full", timeStyle: "long" });
}

/** Return a day, `2026-11-27`, as a date. */
export function date(text) {
  return moment(`${text}T00:00`, { dateStyle: "medium" });
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

// Money. What was paid is shown to the cent, what will be in two digits, both in the currency that is billed; beside it
// what that is in the reader's own, at the rate that they gave. Nothing is ever only converted, and no rate is fetched.

const MAX_PLACES = 10; // of a decimal number; the service counts no smaller part
const MAX_RATE = 1e6;
const EXCHANGE = "exchange";

/** Those to choose from; any other is shown as well. */
export const CURRENCIES = ["CNY", "USD", "EUR", "GBP", "HKD", "TWD", "JPY", "KRW", "SGD"];

/** The reader's currency, and what one of another is in it: `{ to: "CNY", rates: { USD: 7.1 } }`; null where they want none. */
export const exchange = signal(null);

/** Whether one of a currency may be so much of another. */
export function isRate(rate) {
  return Number.isFinite(rate) && rate >= 1 / MAX_RATE && rate <= MAX_RATE;
}

/** Keep the reader's currency and its rates, or that they want none; what is no rate is left out. */
export function setExchange(next) {
  keepShared(EXCHANGE, next);
  lookAtExchange();
}

function lookAtExchange() {
  const { to, rates } = recallShared(EXCHANGE) ?? {};
  const usable = Object.entries(rates ?? {}).filter(([from, rate]) => from !== to && isRate(rate));
  exchange.value = /^[A-Z]{3}$/.test(to) ? { to, rates: Object.fromEntries(usable) } : null;
}

onShared(EXCHANGE, lookAtExchange);
lookAtExchange();

/** Return what was paid, a decimal string, to the cent: `¥1,234.57`; less than one in two digits at least: `$0.043`. */
export function money(amount, currency) {
  return withOwn(amount, currency, (value) => Math.max(2, placesOf(value)));
}

/** Return what something will cost in two digits: `¥1.2`, `$0.043`. */
export function price(amount, currency) {
  return withOwn(amount, currency, placesOf);
}

/** Return the amount as it is, with all its digits. */
export function exactMoney(amount, currency) {
  return withOwn(amount, currency, () => Math.max(2, amount.split(".")[1]?.length ?? 0));
}

/** Return a cost of the API in words: `¥0.20`, `约 ¥0.20`; what is unknown says so. */
export function cost(told) {
  if (!told) return t("cost.none");
  if (told.basis === "unknown" || told.amount === null) return t("cost.unknown");
  const amount = money(told.amount, told.currency);
  return told.basis === "estimated" ? t("cost.about", { amount }) : amount;
}

/** Return an estimate of the service as a sentence: `预计 ¥1.2`, `通常 ¥0.23（按最近 20 张）`, `不计费`, `费用未知`. */
export function quoteOf(estimate, between) {
  const { cost: one, costs = one ? [one] : [], usual } = estimate;
  if (!costs.length) return t("cost.none");
  if (usual) return t("cost.usual", { amount: price(usual.amount, usual.currency), n: usual.images });
  const amount = shortQuote(estimate, between);
  return amount ? t("cost.estimate", { amount }) : t("cost.unknown");
}

/**
 * Return it in few words, as a button has room for; empty where it is free, or nobody knows. So are `{ costs }` of a task.
 * Of several currencies one or the other is charged, unless they are a sum: `between` is " + " then.
 */
export function shortQuote({ cost: one, costs = one ? [one] : [], usual } = {}, between = " / ") {
  if (usual) return t("cost.about", { amount: price(usual.amount, usual.currency) });
  return costs.every(({ amount, basis }) => amount && basis !== "unknown") ? byCurrency(costs).map((each) => price(each.amount, each.currency)).join(between) : "";
}

/** Return amounts in the order of their currencies, in which they are shown everywhere. */
export function byCurrency(costs) {
  return [...costs].sort((a, b) => (a.currency < b.currency ? -1 : 1));
}

function withOwn(amount, currency, places) {
  const shown = inCurrency(amount, currency, places(Number(amount)));
  const rate = exchange.value?.rates[currency];
  if (!rate) return shown;
  const own = Number(amount) * rate;
  return `${shown} ≈ ${inCurrency(own, exchange.value.to, placesOf(own))}`;
}

/** Return how many places a number has in two digits; whole ones are not rounded further. */
function placesOf(value) {
  if (!value) return 0;
  const places = 1 - Math.floor(Math.log10(Math.abs(value)));
  return Math.min(Math.max(places, 0), MAX_PLACES);
}

function inCurrency(amount, currency, places) {
  const digits = { minimumFractionDigits: Number.isInteger(Number(amount)) && places < 2 ? 0 : Math.min(places, 2), maximumFractionDigits: places };
  try {
    return new Intl.NumberFormat(locale(), { style: "currency", currency, currencyDisplay: "narrowSymbol", ...digits }).format(amount);
  } catch {
    return `${Number(amount).toLocaleString(locale(), digits)} ${currency}`; // no code of a currency
  }
}

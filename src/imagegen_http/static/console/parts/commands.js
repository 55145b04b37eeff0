// What is asked for by a key or by a drop, wherever one is: the commands, the sheet of keys, and files that become references.

import { Icon, toast } from "./basics.js";
import { Dialog } from "./dialog.js";
import { addFile, replaceDraft } from "../lib/drafts.js";
import { fetchSentences, language, speak, t } from "../lib/i18n.js";
import { checked } from "../lib/input-files.js";
import { theme, toggleTheme } from "../lib/kept.js";
import { go } from "../lib/router.js";
import { html, render, useState } from "../vendor/index.js";

const PAGES = ["create", "gallery", "tasks", "batches", "providers", "usage", "settings"];
const SHEET = [
  ["Ctrl K", "palette"], ["?", "keys"], ["/", "search"], ["Ctrl ↵", "send"], ["↑", "history"], ["R · E · V", "go_on"], ["D · F", "keep"],
  ["← ↑ → ↓", "move"], ["↵", "open"], ["S · X", "mark"], ["Delete", "delete"], ["[ · ]", "brush"], ["Esc", "close"],
];

await Promise.all([fetchSentences("commands"), fetchSentences("inputs")]);

/** Pages, a search, and what else can be done at once: by a few letters and Enter. */
export function openPalette() {
  show(Palette);
}

export function openKeys() {
  show(({ close }) => html`<${Dialog} title=${t("commands.keys")} onClose=${close}>
    <dl class="keys-sheet">${SHEET.map(([keys, name]) => html`<dt><kbd>${keys}</kbd></dt><dd>${t(`commands.key_${name}`)}</dd>`)}</dl><//>`);
}

/** Put the images among files into the form as references; say of the others why not. */
export async function takeFiles(files) {
  const images = [];
  for (const file of files) {
    try {
      images.push(await checked(file));
    } catch (error) {
      toast(error.message, { kind: "wrong" });
    }
  }
  if (!images.length) return;
  replaceDraft({ operation: "reference" });
  for (const { file, size } of images) await addFile("reference", file, size);
  go("/");
}

function show(Content) {
  const room = document.body.appendChild(document.createElement("div"));
  const close = () => {
    render(null, room);
    room.remove();
  };
  render(html`<${Content} close=${close} />`, room);
}

function Palette({ close }) {
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const found = commands(words.trim());
  const run = (one) => {
    close();
    one.run();
  };
  const press = (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((at + step + found.length) % found.length);
    else if (event.key === "Enter") run(found[at]);
    else return;
    event.preventDefault();
  };
  const typed = ({ target }) => {
    setWords(target.value);
    setAt(0);
  };
  return html`<${Dialog} title=${t("commands.title")} onClose=${close}><div class="palette">
    <input type="text" role="combobox" autofocus aria-label=${t("commands.find")} placeholder=${t("commands.find")} aria-expanded="true" aria-controls="commands"
      aria-activedescendant=${`command-${at}`} autocomplete="off" maxlength="500" value=${words} onInput=${typed} onKeyDown=${press} />
    <ul id="commands" role="listbox" aria-label=${t("commands.title")}>
      ${found.map((one, n) => html`<li role="option" id=${`command-${n}`} key=${one.name} aria-selected=${n === at} onClick=${() => run(one)}><${Icon} name=${one.icon} />${one.name}</li>`)}
    </ul></div><//>`;
}

/** What can be done, by what is typed of its name; last, a search for that itself. */
function commands(words) {
  const all = [
    ...PAGES.map((page) => ({ name: t(`pages.${page}`), icon: page === "batches" ? "tasks" : page, run: () => go(page === "create" ? "/" : `/${page}`) })),
    { name: t("commands.new"), icon: "plus", run: () => (replaceDraft({}), go("/")) },
    { name: t(theme.value === "dark" ? "shell.light" : "shell.dark"), icon: theme.value === "dark" ? "sun" : "moon", run: toggleTheme },
    { name: t("shell.language"), icon: "language", run: () => speak(language.value === "zh" ? "en" : "zh") },
    { name: t("commands.keys"), icon: "key", run: openKeys },
  ];
  const search = { name: words ? t("commands.search_for", { words }) : t("commands.search"), icon: "search", run: () => go(words ? `/gallery?${new URLSearchParams({ q: words })}` : "/gallery") };
  return [...all.filter(({ name }) => name.toLowerCase().includes(words.toLowerCase())), search];
}

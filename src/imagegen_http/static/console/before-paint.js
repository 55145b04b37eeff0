// Runs before the first paint, so that nothing flashes in the wrong colours or is read aloud in the wrong language.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  let theme = null;
  let language = null;
  try {
    theme = localStorage.getItem("imagegen.theme");
    language = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem("imagegen.language");
  } catch {
    // a browser that keeps nothing: the defaults
  }
  root.dataset.theme = theme === "dark" || theme === "light" ? theme : dark ? "dark" : "light";
  if (root.dataset.theme === "dark") document.querySelector("meta[name=theme-color]").content = "#141416"; // --bg, which is not there yet
  if (language) root.lang = language === "en" ? "en" : "zh-CN"; // else it is that which the browser asks for
  const sentences = new URL(`i18n/${root.lang === "en" ? "en" : "zh"}.js`, document.currentScript.src);
  document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href: sentences.href }));
})();

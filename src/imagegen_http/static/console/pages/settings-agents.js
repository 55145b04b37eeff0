// What to copy so that an agent's program finds the tools of this service, or how to switch them on.

import { copyText } from "../lib/clipboard.js";
import { t } from "../lib/i18n.js";
import { toast } from "../parts/toast.js";
import { html, useState } from "../vendor/index.js";

const PROGRAMS = { claude: "Claude Code", desktop: "Claude Desktop", cursor: "Cursor", vscode: "VS Code" };
const STDIO = { command: "/path/to/imagegen", args: ["mcp"], env: { IMAGEGEN_CONFIG: "/path/to/config.yaml" } };

/** ``settings`` are those of the API. */
export function Agents({ settings }) {
  const [program, setProgram] = useState("claude");
  const value = (name) => settings.find(({ key }) => key === name)?.value;
  const text = lines(program, Boolean(value("server.auth_token")));
  return html`<section class="panel agents" aria-labelledby="agents">
    <header class="acts"><h2 id="agents">${t("settings.agents")}</h2>
      <span class="mark ${value("mcp.enabled") ? "ok" : ""}">${t(value("mcp.enabled") ? "settings.agents_on" : "settings.agents_off")}</span></header>
    ${value("mcp.enabled")
      ? html`<p class="muted">${t(program === "desktop" ? "settings.agents_stdio" : "settings.agents_http")}</p>
        <div class="acts">
          <select aria-label=${t("settings.agents_program")} value=${program} onChange=${({ target }) => setProgram(target.value)}>
            ${Object.entries(PROGRAMS).map(([id, name]) => html`<option key=${id} value=${id}>${name}</option>`)}</select>
          <button type="button" onClick=${() => copy(text)}>${t("settings.agents_copy")}</button>
        </div>
        <pre tabindex="0">${text}</pre>`
      : html`<p class="muted">${t("settings.agents_how")} <code>./run setup mcp</code> <code>mcp.enabled: true</code></p>`}
  </section>`;
}

async function copy(text) {
  const done = await copyText(text);
  toast(t(done ? "act.copied" : "settings.agents_not_copied"), { kind: done ? "told" : "wrong" });
}

/** Return the lines for a program; the console does not know the token, so a word stands for it. */
function lines(program, hasToken) {
  const url = `${location.origin}/mcp`;
  const headers = { ...(hasToken && { Authorization: "Bearer TOKEN" }), "Accept-Language": document.documentElement.lang };
  const options = Object.entries(headers).map(([name, value]) => ` --header "${name}: ${value}"`);
  if (program === "claude") return `claude mcp add --transport http imagegen ${url}${options.join("")}`;
  const entry = { desktop: STDIO, cursor: { url, headers }, vscode: { type: "http", url, headers } }[program];
  return JSON.stringify({ [program === "vscode" ? "servers" : "mcpServers"]: { imagegen: entry } }, null, 2);
}

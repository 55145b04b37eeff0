// What to copy so that an agent's program finds the tools of this service, or how to switch them on.

import { copyText } from "../lib/clipboard.js";
import { locale, t } from "../lib/i18n.js";
import { Icon, toast } from "../parts/basics.js";
import { html, useState } from "../vendor/index.js";

const PROGRAMS = { claude: "Claude Code", desktop: "Claude Desktop", cursor: "Cursor", vscode: "VS Code" };
const STDIO = { command: "/path/to/imagegen", args: ["mcp"], env: { IMAGEGEN_CONFIG: "/path/to/config.yaml" } };

/** ``settings`` are those of the API. */
export function Agents({ settings }) {
  const [program, setProgram] = useState("claude");
  const value = (name) => settings.find(({ key }) => key === name)?.value;
  const isOn = value("mcp.enabled");
  return html`<section class="panel agents" aria-labelledby="agents">
    <header class="acts"><h2 id="agents">${t("settings.agents")}</h2>
      <span class="mark ${isOn ? "ok" : ""}">${t(isOn ? "settings.agents_on" : "settings.agents_off")}</span></header>
    <p class="muted">${t("settings.agents_why")}</p>
    ${isOn
      ? html`<${Lines} program=${program} setProgram=${setProgram} text=${lines(program, value("server.auth_token"))} />`
      : html`<p class="muted">${t("settings.agents_how")} <code>./run setup mcp</code>, <code>mcp: {enabled: true}</code></p>`}
  </section>`;
}

function Lines({ program, setProgram, text }) {
  const act = t("picture.copy_of", { name: PROGRAMS[program] });
  return html`<div class="acts">
      <select aria-label=${t("settings.agents_program")} value=${program} onChange=${({ target }) => setProgram(target.value)}>
        ${Object.entries(PROGRAMS).map(([id, name]) => html`<option key=${id} value=${id}>${name}</option>`)}</select>
      <button type="button" class="bare" aria-label=${act} title=${act} onClick=${() => copy(text)}><${Icon} name="copy" /></button>
    </div>
    <pre tabindex="0" aria-label=${PROGRAMS[program]}>${text}</pre>
    <p class="muted">${t(program === "desktop" ? "settings.agents_stdio" : "settings.agents_http")}</p>`;
}

export async function copy(text) {
  const done = await copyText(text);
  toast(t(done ? "act.copied" : "picture.not_copied"), { kind: done ? "told" : "wrong" });
}

/** Return the lines for a program. The console does not know the token, so a word stands for it. */
function lines(program, token) {
  const url = `${location.origin}/mcp`;
  const headers = { ...(token && { Authorization: "Bearer TOKEN" }), "Accept-Language": locale() };
  const options = Object.entries(headers).map(([name, value]) => ` --header "${name}: ${value}"`);
  if (program === "claude") return `claude mcp add --transport http imagegen ${url}${options.join("")}`;
  const entry = { desktop: STDIO, cursor: { url, headers }, vscode: { type: "http", url, headers } }[program];
  return JSON.stringify({ [program === "vscode" ? "servers" : "mcpServers"]: { imagegen: entry } }, null, 2);
}

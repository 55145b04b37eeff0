// What somebody meets before the first image: examples that fill the form, and the providers, those of the reader's language first.

import { catalogue, onlyDemo } from "../lib/api.js";
import { change } from "../lib/drafts.js";
import { language, t } from "../lib/i18n.js";
import { html } from "../vendor/index.js";

const EXAMPLES = ["cat", "mountain", "poster", "sunset", "stars", "roof", "valley", "snow"]; // as they lie side by side in examples.webp

/** Prompts with what the demo made of them; with nothing but the demo, which is free, one press makes an image. */
export function Examples() {
  const fill = ({ currentTarget }, prompt) => {
    const page = currentTarget.closest(".create");
    change({ operation: "generate", prompt });
    if (!onlyDemo.value) return page.querySelector(".go").focus();
    page.querySelector("form").requestSubmit();
    return page.querySelector(".results h2").focus({ preventScroll: true }); // the examples leave
  };
  return html`<div class="examples" role="group" aria-label=${t("create.examples")}>
    <ul>${EXAMPLES.map((name, at) => {
      const prompt = t(`create.example_${name}`);
      return html`<li key=${name}><button type="button" class="bare" title=${prompt} onClick=${(event) => fill(event, prompt)}>
        <i style=${{ backgroundPositionX: `${(at / (EXAMPLES.length - 1)) * 100}%` }}></i><span>${prompt}</span></button></li>`;
    })}</ul>
    <p class="hint">${t("create.examples_by")}</p>
  </div>`;
}

/** The ways to a real provider, where nothing was made yet. */
export function RealProviders() {
  return html`<p class="muted">${t("create.connect_why")}</p>
    <ul class="tiles">
      ${recommended(catalogue.value.presets).map(
        ({ name, display_name }) => html`<li key=${name}><a class="tile" href=${`/providers/${encodeURIComponent(name)}`}><${Mark} name=${name} text=${display_name} />${display_name}</a></li>`,
      )}
      <li><a class="tile" href="/providers">${t("create.all_providers")}</a></li>
    </ul>`;
}

const CHINA = ["dashscope", "ark", "siliconflow", "zhipu", "tokenhub", "qianfan", "minimax", "kling", "modelscope", "huawei-maas"];
const ABROAD = ["openai", "gemini", "bfl", "fal", "stability", "replicate", "ideogram", "recraft", "xai", "openrouter"];

/** Return the presets, those first that a reader of this language can pay most easily; two ways to one provider are one. */
export function recommended(presets) {
  const order = language.value === "zh" ? [...CHINA, ...ABROAD] : [...ABROAD, ...CHINA];
  const rank = ({ name }) => (order.includes(name) ? order.indexOf(name) : order.length);
  const each = new Map(presets.toReversed().map((preset) => [preset.display_name, preset]));
  return [...each.values()].toReversed().sort((a, b) => rank(a) - rank(b));
}

/** A letter in a colour, both of the name: no vendor's logo. */
export function Mark({ name, text }) {
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  return html`<i class="letter" aria-hidden="true" data-letter=${[...text][0].toUpperCase()} style=${{ backgroundColor: `hsl(${hue} 45% 38%)` }}></i>`;
}

/** Where a provider gives its keys, as its documentation or several of its clients have it; read 2026-11-30. */
export const KEY_PAGES = {
  ark: "https://console.volcengine.com/ark/region:ark+cn-beijing/apiKey",
  bfl: "https://dashboard.bfl.ai/",
  dashscope: "https://bailian.console.aliyun.com/?tab=model#/api-key",
  fal: "https://fal.ai/dashboard/keys",
  gemini: "https://aistudio.google.com/apikey",
  "huawei-maas": "https://console.huaweicloud.com/modelarts/?region=cn-southwest-2#/model-studio/homepage",
  ideogram: "https://ideogram.ai/manage-api",
  minimax: "https://platform.minimaxi.com/user-center/basic-information/interface-key",
  modelscope: "https://modelscope.cn/my/access/token",
  openai: "https://platform.openai.com/api-keys",
  openrouter: "https://openrouter.ai/settings/keys",
  qianfan: "https://console.bce.baidu.com/iam/#/iam/apikey/list",
  recraft: "https://www.recraft.ai/profile/api",
  replicate: "https://replicate.com/account/api-tokens",
  siliconflow: "https://cloud.siliconflow.cn/account/ak",
  stability: "https://platform.stability.ai/account/keys",
  tokenhub: "https://console.cloud.tencent.com/tokenhub/apikey",
  xai: "https://console.x.ai/",
  zhipu: "https://bigmodel.cn/usercenter/proj-mgmt/apikeys",
};

// As secret scanners know them, or several clients of the provider; read 2026-11-30. What several providers share names them all.
const KEYS = [
  [/^sk-ant-/, []], // Anthropic makes no images
  [/^sk-(proj|svcacct|admin)-/, ["openai"]],
  [/^sk-or-/, ["openrouter"]],
  [/^sk-(api|cp)-/, ["minimax"]],
  [/^(AIza|AQ\.)/, ["gemini"]],
  [/^xai-/, ["xai"]],
  [/^r8_/, ["replicate"]],
  [/^ms-/, ["modelscope"]],
  [/^ark-/, ["ark"]],
  [/^bce-v3\//, ["qianfan"]],
  [/^bfl_/, ["bfl"]],
  [/^[0-9a-f]{32}\.\w{16}$/i, ["zhipu"]],
  [/^[0-9a-f-]{36}:[0-9a-f]{32}$/i, ["fal"]],
  [/^[0-9a-f-]{36}$/i, ["ark", "bfl"]],
  [/^sk-/, ["dashscope", "siliconflow", "tokenhub", "openai", "stability", "openai-compatible"]], // most of them copied OpenAI
];

/** Return the names of the presets whose keys begin so, null where no known one does. */
export function providersOfKey(key) {
  return KEYS.find(([pattern]) => pattern.test(key))?.[1] ?? null;
}

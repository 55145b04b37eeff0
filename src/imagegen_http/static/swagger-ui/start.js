// Shows the document of this server in the language of the page; all addresses begin where the page is.
const root = new URL("../", document.currentScript.src);
const language = document.documentElement.lang.slice(0, 2);
const url = new URL(`openapi.json?lang=${language}`, root).href;

// The words of Swagger UI, which has English ones only.
const CHINESE = {
  "Authorize": "授权", "Available authorizations": "可用的授权方式", "Cancel": "取消", "Clear": "清除",
  "Close": "关闭", "Code": "状态码", "Controls Accept header.": "决定 Accept 请求头。", "Description": "说明",
  "Details": "详情", "Download": "下载", "Example Description": "示例说明", "Example Value": "示例",
  "Examples": "示例", "Execute": "发送", "Links": "链接", "Logout": "退出", "Media type": "媒体类型",
  "Name": "名称", "No links": "无链接", "No parameters": "无参数", "Parameters": "参数",
  "Request URL": "请求地址", "Request body": "请求体", "Request duration": "用时", "Reset": "重置",
  "Response body": "响应体", "Response headers": "响应头", "Responses": "响应", "Schema": "结构",
  "Schemas": "数据结构", "Send empty value": "发送空值", "Server response": "服务器的响应", "Servers": "服务器",
  "Try it out": "试一试", "Value:": "值：", "required": "必填",
};

const translate = (element) => {
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const chinese = CHINESE[text.data.trim()];
    if (chinese && !text.parentElement.closest("pre, code, textarea, .renderedMarkdown")) text.data = chinese;
  }
};

if (language === "zh") {
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) if (node.nodeType === Node.ELEMENT_NODE) translate(node);
    }
  }).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true });
}

// A parameter may be null, which here is the same as left out: without that choice, the page has lists of values.
const withoutNull = (spec) => {
  for (const operation of Object.values(spec.paths ?? {}).flatMap(Object.values)) {
    for (const parameter of operation.parameters ?? []) {
      const { oneOf, ...others } = parameter.schema;
      parameter.schema = { ...oneOf?.find((choice) => choice.type !== "null"), ...others };
    }
  }
  return spec;
};

// The token goes along with the document, too: whoever has it gets examples with the newest ids.
const token = () => window.ui.getState().getIn(["auth", "authorized", "token", "value"]);

const authorize = (request) => {
  if (window.ui && token()) request.headers.Authorization = `Bearer ${token()}`;
  return request;
};

// Swagger UI's own download takes all operations off the page while it lasts, and what was just pressed with them.
const refreshExamples = async () => {
  const response = await fetch(url, authorize({ headers: {} })).catch(() => null);
  if (response?.ok) window.ui.specActions.updateSpec(await response.text());
};

const plugin = () => ({
  statePlugins: {
    spec: { wrapActions: { updateJsonSpec: (update) => (spec) => update(withoutNull(spec)) } },
    auth: {
      wrapActions: {
        authorize: (remember) => (credentials) => {
          remember(credentials);
          refreshExamples();
        },
      },
    },
  },
});

let isChange = false;

window.ui = SwaggerUIBundle({
  url,
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  plugins: [plugin],
  requestInterceptor: (request) => {
    request.headers["Accept-Language"] = language;
    if (request.url !== url) isChange = request.method !== "GET";
    else authorize(request);
    return request;
  },
  responseInterceptor: (response) => {
    if (response.ok && response.url !== url && isChange) refreshExamples();
    return response;
  },
});

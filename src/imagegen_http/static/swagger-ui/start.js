// Shows the document of this server in the language of the page; all addresses begin where the page is.
const root = new URL("../", document.currentScript.src);
const language = document.documentElement.lang.slice(0, 2);

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

window.ui = SwaggerUIBundle({
  url: new URL(`openapi.json?lang=${language}`, root).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  plugins: [
    () => ({
      statePlugins: { spec: { wrapActions: { updateJsonSpec: (update) => (spec) => update(withoutNull(spec)) } } },
    }),
  ],
  requestInterceptor: (request) => {
    request.headers["Accept-Language"] = language;
    return request;
  },
});

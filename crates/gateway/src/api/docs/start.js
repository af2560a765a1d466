// Shows the description of this server. Nothing is sent anywhere else: no validator, no other document.
SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  queryConfigEnabled: false,
});

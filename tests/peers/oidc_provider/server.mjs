// Serves oidc-provider over HTTPS on loopback, with the licences given on standard input, until that is closed.
// usage: node server.mjs CERTIFICATE.pem    (private key and chain in one file)
// stdin:  one line, {"name": {"number": …, "key": …}, …}
// stdout: one line when ready, {"issuer": "https://localhost:PORT"}

import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createInterface } from "node:readline/promises";
import { Provider, errors } from "oidc-provider";

const pem = readFileSync(process.argv[2]);
const input = createInterface({ input: process.stdin });
const licences = JSON.parse((await input[Symbol.asyncIterator]().next()).value);
input.on("close", () => process.exit(0));

const client = ({ number, key }, more = {}) => ({
  client_id: number,
  client_secret: key,
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
  ...more,
});
const particular = {
  limited: { scope: "lecture" },
  "no-grant": { grant_types: ["authorization_code"], redirect_uris: ["https://localhost/"], response_types: ["code"] },
};

const server = createServer({ key: pem, cert: pem });
server.listen(0, "localhost", () => {
  const issuer = `https://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: Object.entries(licences).map(([name, licence]) => client(licence, particular[name])),
    scopes: ["iea", "lecture"],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    async extraTokenClaims(ctx, token) {
      if (token.clientId === licences.suspended.number) throw new errors.AccessDenied("licence suspended");
    },
  });
  server.on("request", provider.callback());
  console.log(JSON.stringify({ issuer }));
});

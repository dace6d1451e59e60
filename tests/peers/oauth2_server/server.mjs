// Serves @node-oauth/oauth2-server over HTTPS on loopback, with the licences given on standard input, until that is closed.
// usage: node server.mjs CERTIFICATE.pem    (private key and chain in one file)
// stdin:  one line, {"name": {"number": …, "key": …}, …}
// stdout: one line when ready, {"issuer": "https://localhost:PORT"}

import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createInterface } from "node:readline/promises";
import OAuth2Server from "@node-oauth/oauth2-server";

const { Request, Response } = OAuth2Server;
const pem = readFileSync(process.argv[2]);
const input = createInterface({ input: process.stdin });
const licences = JSON.parse((await input[Symbol.asyncIterator]().next()).value);
input.on("close", () => process.exit(0));

const named = Object.entries(licences);
const server = new OAuth2Server({
  model: {
    getClient: (number, key) => {
      const [name] = named.find(([, licence]) => licence.number === number && licence.key === key) ?? [];
      return name && { id: number, name, grants: [name === "no-grant" ? "authorization_code" : "client_credentials"] };
    },
    // what the library asks when a client has signed in: the person that it belongs to, here none for "suspended"
    getUserFromClient: (client) => client.name !== "suspended" && { name: client.name },
    validateScope: (user, client, scope) => (client.name === "limited" ? false : (scope ?? ["iea"])),
    saveToken: (token, client, user) => ({ ...token, client, user }),
    getAccessToken: () => undefined,
  },
});

const listener = createServer({ key: pem, cert: pem }, async (incoming, outgoing) => {
  const issuer = `https://localhost:${listener.address().port}`;
  const answer = (status, headers, body) => outgoing.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  if (incoming.url === "/.well-known/oauth-authorization-server") {
    answer(200, {}, { issuer, token_endpoint: `${issuer}/token` });
  } else if (incoming.url === "/token") {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
    const response = new Response();
    const request = new Request({ headers: incoming.headers, method: incoming.method, query: {}, body: form });
    await server.token(request, response).catch((error) => {
      // as the library's own adapters for web servers do
      response.status = error.code;
      response.body = { error: error.name, error_description: error.message };
    });
    answer(response.status, response.headers, response.body);
  } else {
    answer(404, {}, {});
  }
});
listener.listen(0, "localhost", () => console.log(JSON.stringify({ issuer: `https://localhost:${listener.address().port}` })));

// A real issuer: npm `oidc-provider`, on two free ports of this machine (with TLS where it is given
// certificates). The first line that it prints says where. `rotate` on its standard input withdraws
// its key for another one.
//
// usage: node issuer.mjs MODULES SETTINGS
//   MODULES   folder with `node_modules`
//   SETTINGS  JSON: {clients: […], tls: {key, cert, ca}?}
import { createServer } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { generateKeyPairSync } from 'node:crypto';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [modules, text] = process.argv.slice(2);
const settings = JSON.parse(text);
const entry = pathToFileURL(`${modules}/node_modules/oidc-provider/lib/index.js`);
const { default: Provider, errors } = await import(entry);

let number = 0;
const newKey = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  number += 1;
  return { ...privateKey.export({ format: 'jwk' }), kid: `issuer-${number}`, use: 'sig', alg: 'ES256' };
};

// what an access token says besides what its standard asks for, by its client
const extra = Object.fromEntries(settings.clients.map((one) => [one.client_id, one.extra ?? {}]));
const clients = settings.clients.map(({ extra: _, ...one }) => ({
  redirect_uris: [],
  response_types: [],
  grant_types: ['client_credentials'],
  id_token_signed_response_alg: 'ES256',
  ...one,
}));

const configuration = (keys) => ({
  clients,
  jwks: { keys },
  scopes: ['orders:read', 'orders:write'],
  clientAuthMethods: [
    'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth', 'none',
  ],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_, resource) {
        const formats = { 'https://api.shop.example': 'jwt', 'https://opaque.shop.example': 'opaque' };
        const format = formats[resource];
        if (!format) throw new errors.InvalidTarget();
        const info = {
          audience: resource, scope: 'orders:read orders:write',
          accessTokenTTL: settings.lifetime ?? 300, accessTokenFormat: format,
        };
        return format === 'jwt' ? { ...info, jwt: { sign: { alg: 'ES256' } } } : info;
      },
    },
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      certificateBoundAccessTokens: false,
      getCertificate: (ctx) => {
        const shown = ctx.socket.getPeerX509Certificate?.();
        return shown?.toString();
      },
      certificateAuthorized: (ctx) => ctx.socket.authorized === true,
      certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_san_dns'
        && (ctx.socket.getPeerX509Certificate()?.subjectAltName ?? '').includes(`DNS:${expected}`),
    },
  },
  extraTokenClaims: (_, token) => extra[token.clientId],
});

let issuer;
let handle;
const begin = () => {
  handle = new Provider(issuer, configuration([newKey()])).callback();
};
const counts = {};
const serve = (request, response) => {
  counts[request.url.split('?')[0]] = (counts[request.url.split('?')[0]] ?? 0) + 1;
  handle(request, response);
};
const listen = (server) => new Promise((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve(server.address().port));
});

const plain = await listen(createServer(serve));
issuer = `http://127.0.0.1:${plain}`;
begin();
let secure = null;
if (settings.tls) {
  const asks = { requestCert: true, rejectUnauthorized: false };
  secure = await listen(createSecure({ ...settings.tls, ...asks }, serve));
}
process.stdout.write(`${JSON.stringify({ issuer, plain, secure })}\n`);

const words = {
  counts: () => process.stdout.write(`${JSON.stringify(counts)}\n`),
  rotate: () => {
    begin();
    process.stdout.write('{}\n');
  },
};
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => words[line]?.());
lines.on('close', () => process.exit(0));

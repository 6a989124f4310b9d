// A real client of tokens that are bound to a key: npm `oauth4webapi`. It makes its key and prints the
// thumbprint; then each line of its standard input is `TOKEN METHOD URL`, and each line that it prints
// is what came of the request, asked again once where a nonce is asked for.
//
// usage: node dpop_client.mjs MODULES
import { createInterface } from 'node:readline';
import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [modules] = process.argv.slice(2);
const oauth = await import(pathToFileURL(`${modules}/node_modules/oauth4webapi/build/index.js`));

const keys = await oauth.generateKeyPair('ES256', { extractable: true });
const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', keys.publicKey);
const members = JSON.stringify({ crv, kty, x, y });
console.log(createHash('sha256').update(members).digest('base64url'));

const DPoP = oauth.DPoP({ client_id: 'test' }, keys);
const options = { DPoP, [oauth.allowInsecureRequests]: true };

for await (const line of createInterface({ input: process.stdin })) {
  const [token, method, url] = line.split(' ');
  const ask = () => oauth.protectedResourceRequest(token, method, new URL(url), undefined, undefined, options);
  let asked = 1;
  const answer = await ask().catch(async (error) => {
    if (!oauth.isDPoPNonceError(error)) throw error;
    asked = 2;
    return ask();
  }).then((response) => ({ status: response.status }), (error) => ({
    status: error.response?.status,
    challenges: error.cause?.map?.(({ scheme, parameters }) => `${scheme} ${parameters.error}`),
    message: `${error}`,
  }));
  console.log(JSON.stringify({ ...answer, asked }));
}

// A wallet nobody here wrote: follows links, shows SD-JWTs, posts its answers. One request with many cases:
// {socket, now, keys, cases: [{link, document, credential, key, shown, decline}]}, where `keys` are the JWKs of DID URLs
// that it resolves; per case what it understood of the request and what it was told.
import {createHash, randomBytes} from 'node:crypto';
import {Openid4vpClient} from '@openid4vc/openid4vp';
import {setGlobalConfig} from '@openid4vc/oauth2';
import {SDJwtVcInstance} from '@sd-jwt/sd-jwt-vc';
import {CompactEncrypt, CompactSign, compactVerify, importJWK} from 'jose';
import {serve} from './program.mjs';
import {over} from './wire.mjs';

setGlobalConfig({allowInsecureUrls: true});

const digest = (data, alg) => createHash(alg.replace('-', '')).update(data).digest();
const hasher = (data, alg) => new Uint8Array(digest(typeof data === 'string' ? data : Buffer.from(data), alg));

async function encryptJwe({publicJwk, alg, enc, apu, apv}, data) {
  const header = {alg, enc, ...(publicJwk.kid && {kid: publicJwk.kid})};
  const jwe = await new CompactEncrypt(new TextEncoder().encode(data))
    .setProtectedHeader(header)
    .setKeyManagementParameters({
      ...(apu && {apu: Buffer.from(apu, 'base64url')}), ...(apv && {apv: Buffer.from(apv, 'base64url')})})
    .encrypt(await importJWK(publicJwk, alg));
  return {jwe, encryptionJwk: publicJwk};
}

const verifyWith = keys => async (signer, {compact}) => {
  const jwk = keys[signer.didUrl];
  if(!jwk) {
    return {verified: false};
  }
  await compactVerify(compact, await importJWK(jwk, signer.alg));
  return {verified: true, signerJwk: jwk};
};

async function present({credential, key, shown}, {client_id: aud, nonce}, iat) {
  const kbSigner = async input => {
    const [header, payload] = input.split('.').map(part => Buffer.from(part, 'base64url').toString());
    const jws = await new CompactSign(new TextEncoder().encode(payload))
      .setProtectedHeader(JSON.parse(header)).sign(await importJWK(key, 'ES256'));
    return jws.split('.')[2];
  };
  const wallet = new SDJwtVcInstance({
    hasher, hasherAlg: 'sha-256', kbSigner, kbSignAlg: 'ES256', saltGenerator: () => randomBytes(16).toString('hex')});
  return wallet.present(credential, Object.fromEntries(shown.map(name => [name, true])), {kb: {payload: {iat, aud, nonce}}});
}

async function answer(one, {socket, now, keys}) {
  const fetch = over(socket);
  const callbacks = {fetch, hash: digest, encryptJwe, verifyJwt: verifyWith(keys), generateRandom: randomBytes};
  const client = new Openid4vpClient({callbacks});
  const {params} = client.parseOpenid4vpAuthorizationRequest({authorizationRequest: one.link});
  const resolved = await client.resolveOpenId4vpAuthorizationRequest({authorizationRequestPayload: params});
  const request = resolved.authorizationRequestPayload;
  const understood = {prefix: resolved.client.prefix, version: resolved.version, query: resolved.dcql.query};
  if(one.decline) {
    const body = new URLSearchParams({error: 'access_denied', state: request.state});
    const headers = {'content-type': 'application/x-www-form-urlencoded'};
    const told = await fetch(request.response_uri, {method: 'POST', headers, body});
    return {...understood, status: told.status, told: await told.json()};
  }
  const presentation = await present(one, request, now);
  const {authorizationResponsePayload, jarm} = await client.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: request,
    clientMetadata: request.client_metadata,
    authorizationResponsePayload: {vp_token: {[one.document]: [presentation]}},
    ...(request.response_mode === 'direct_post.jwt' && {jarm: {
      encryption: {nonce: randomBytes(16).toString('base64url')},
      serverMetadata: {
        authorization_signing_alg_values_supported: [],
        authorization_encryption_alg_values_supported: ['ECDH-ES'],
        authorization_encryption_enc_values_supported: ['A256GCM', 'A128GCM'],
      },
    }}),
  });
  const {response} = await client.submitOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: request, authorizationResponsePayload, jarm});
  return {...understood, status: response.status, told: await response.json()};
}

// The wallet's clock is the test's.
function standStill(milliseconds) {
  const {Date} = globalThis;
  globalThis.Date = class extends Date {
    constructor(...given) {
      super(...(given.length ? given : [milliseconds]));
    }

    static now() {
      return milliseconds;
    }
  };
}

await serve(async request => {
  standStill(request.now * 1000);
  const answers = [];
  for(const one of request.cases) {
    answers.push(await answer(one, request));
  }
  return answers;
});

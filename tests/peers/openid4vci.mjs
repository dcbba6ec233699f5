// A wallet nobody here wrote: fetches what it is offered. Many cases in one request,
// [{socket, offer, code, algorithms}]: a link, what the person types, one algorithm for each key that is wanted;
// per case the credentials and the private keys that they are bound to, or how it was refused.
import {createHash, generateKeyPairSync, randomBytes, sign} from 'node:crypto';
import {clientAuthenticationAnonymous, clientAuthenticationNone, setGlobalConfig} from '@openid4vc/oauth2';
import {Openid4vciClient} from '@openid4vc/openid4vci';
import {serve} from './program.mjs';
import {over} from './wire.mjs';

setGlobalConfig({allowInsecureUrls: true});

const CLIENT = 'wallet.example';
const REDIRECT = 'com.example.wallet:/back';
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function newKey(alg) {
  const pair = alg === 'ES256' ? generateKeyPairSync('ec', {namedCurve: 'P-256'}) : generateKeyPairSync('ed25519');
  const publicJwk = pair.publicKey.export({format: 'jwk'});
  return {alg, publicJwk, privateKey: pair.privateKey, privateJwk: pair.privateKey.export({format: 'jwk'})};
}

function signed({alg, privateKey}, header, payload) {
  const input = `${encoded(header)}.${encoded(payload)}`;
  const signature = sign(alg === 'ES256' ? 'sha256' : null, Buffer.from(input), {key: privateKey, dsaEncoding: 'ieee-p1363'});
  return `${input}.${signature.toString('base64url')}`;
}

function clientOf(fetch, keys, named) {
  return new Openid4vciClient({
    callbacks: {
      fetch,
      hash: (data, alg) => createHash(alg.replace('-', '')).update(data).digest(),
      generateRandom: (length) => randomBytes(length),
      clientAuthentication: named ? clientAuthenticationNone({clientId: CLIENT}) : clientAuthenticationAnonymous(),
      signJwt: async (signer, {header, payload}) => {
        const key = keys.find(({publicJwk}) => publicJwk.x === signer.publicJwk.x);
        return {jwt: signed(key, header, payload), signerJwk: signer.publicJwk};
      },
    },
  });
}

// The person in their browser: reads the page, types the code, and is sent back to the wallet.
async function letIn(fetch, address, code) {
  const page = await (await fetch(address)).text();
  const fields = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
  const body = new URLSearchParams(fields.map(([, name, value]) => [name, value.replaceAll('&amp;', '&')]));
  body.set('login_code', code);
  const action = new URL(page.match(/action="([^"]*)"/)[1], address);
  const answer = await fetch(action, {method: 'POST', body, redirect: 'manual'});
  return answer.headers.get('location');
}

async function authorised(client, fetch, credentialOffer, issuerMetadata, code) {
  const scope = credentialOffer.credential_configuration_ids
    .map((id) => issuerMetadata.credentialIssuer.credential_configurations_supported[id].scope)
    .join(' ');
  const asked = await client.initiateAuthorization({
    credentialOffer, issuerMetadata, clientId: CLIENT, redirectUri: REDIRECT, scope, state: 'here',
  });
  const back = await letIn(fetch, asked.authorizationRequestUrl, code);
  const answer = client.parseAndVerifyAuthorizationResponseRedirectUrl({
    url: back, authorizationServerMetadata: issuerMetadata.authorizationServers[0],
  });
  return client.retrieveAuthorizationCodeAccessTokenFromOffer({
    credentialOffer, issuerMetadata, authorizationCode: answer.code, redirectUri: REDIRECT,
    pkceCodeVerifier: asked.pkce.codeVerifier,
  });
}

async function fetched({socket, offer, code, algorithms}) {
  const fetch = over(socket), keys = algorithms.map(newKey);
  const resolved = await clientOf(fetch, keys).resolveCredentialOffer(offer);
  const named = 'authorization_code' in resolved.grants;
  const client = clientOf(fetch, keys, named);
  const issuerMetadata = await client.resolveIssuerMetadata(resolved.credential_issuer);
  const {accessTokenResponse} = named
    ? await authorised(client, fetch, resolved, issuerMetadata, code)
    : await client.retrievePreAuthorizedCodeAccessTokenFromOffer({
        credentialOffer: resolved, issuerMetadata, txCode: code ?? undefined,
      });
  const [credentialConfigurationId] = resolved.credential_configuration_ids;
  const proofs = [];
  if (keys.length) {
    const {c_nonce: nonce} = await client.requestNonce({issuerMetadata});
    for (const {alg, publicJwk} of keys) {
      const {jwt} = await client.createCredentialRequestJwtProof({
        issuerMetadata, credentialConfigurationId, nonce, clientId: named ? CLIENT : undefined,
        signer: {method: 'jwk', alg, publicJwk}, issuedAt: new Date(),
      });
      proofs.push(jwt);
    }
  }
  const {credentialResponse} = await client.retrieveCredentials({
    issuerMetadata, credentialConfigurationId, accessToken: accessTokenResponse.access_token,
    ...(proofs.length ? {proofs: {jwt: proofs}} : {}),
  });
  return {keys, credentials: credentialResponse.credentials.map(({credential}) => credential)};
}

async function attempted(request) {
  try {
    const {keys, credentials} = await fetched(request);
    return {credentials, keys: keys.map(({privateJwk}) => privateJwk)};
  } catch (error) {
    return {refused: error.errorResponse?.error ?? null, message: error.message};
  }
}

await serve((requests) => Promise.all(requests.map(attempted)));

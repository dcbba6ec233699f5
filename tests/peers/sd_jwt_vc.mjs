// @sd-jwt/sd-jwt-vc with ES256: each action takes one case and answers with a credential or with what was verified.
import {ES256, digest, generateSalt} from '@sd-jwt/crypto-nodejs';
import {SDJwtVcInstance} from '@sd-jwt/sd-jwt-vc';

const COMMON = {signAlg: ES256.alg, kbSignAlg: ES256.alg, hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt};

export class SdJwtPeer {
  keys = {};

  async key(use, jwk) {
    return this.keys[`${use} ${jwk.x}`] ??= await ES256[use](jwk);
  }

  async issue({key, claims, disclosureFrame}) {
    const issuer = new SDJwtVcInstance({...COMMON, signer: await this.key('getSigner', key)});
    return {credential: await issuer.issue(claims, disclosureFrame)};
  }

  async present({credential, presentationFrame, holder, binding}) {
    const wallet = new SDJwtVcInstance({...COMMON, kbSigner: await this.key('getSigner', holder)});
    return {presentation: await wallet.present(credential, presentationFrame, {kb: {payload: binding}})};
  }

  async verify({presentation, issuer, nonce, now, requiredClaimKeys}) {
    const verifier = new SDJwtVcInstance({
      ...COMMON,
      verifier: await this.key('getVerifier', issuer),
      kbVerifier: async (data, signature, {cnf}) => (await this.key('getVerifier', cnf.jwk))(data, signature),
    });
    const {payload, kb} = await verifier.verify(
      presentation, {currentDate: now, requiredClaimKeys, keyBindingNonce: nonce});
    return {payload, binding: kb?.payload};
  }
}

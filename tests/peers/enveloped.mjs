// Cases → answers of `jose` and @sd-jwt/core about tokens of VC-JOSE-COSE, ES256.
import {CompactSign, compactVerify, importJWK} from 'jose';
import {ES256, digest, generateSalt} from '@sd-jwt/crypto-nodejs';
import {SDJwtInstance} from '@sd-jwt/core';
import {answerAll} from './cases.mjs';
import {serve} from './program.mjs';

const COMMON = {signAlg: ES256.alg, hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt};

class Peer {
  async verify({token, key}) {
    const {payload, protectedHeader} = await compactVerify(token, await importJWK(key, ES256.alg));
    return {payload: JSON.parse(new TextDecoder().decode(payload)), header: protectedHeader};
  }

  async sign({payload, header, key}) {
    const signing = new CompactSign(new TextEncoder().encode(JSON.stringify(payload)));
    return {token: await signing.setProtectedHeader(header).sign(await importJWK(key, ES256.alg))};
  }

  async reveal({token, key}) {
    const {payload, header} = await new SDJwtInstance({...COMMON, verifier: await ES256.getVerifier(key)}).verify(token);
    return {payload, header};
  }

  async conceal({payload, header, frame, key}) {
    const issuer = new SDJwtInstance({...COMMON, signer: await ES256.getSigner(key)});
    return {token: await issuer.issue(payload, frame, {header})};
  }

  async present({token, frame}) {
    return {token: await new SDJwtInstance(COMMON).present(token, frame)};
  }
}

await serve(cases => answerAll(new Peer(), cases));

// @digitalbazaar/vc with the Data Integrity suites: each action takes one case and answers with a document or a verdict.
// Nothing is fetched: contexts are the ones given, and a did:key is its own document.
import * as bbs from '@digitalbazaar/bbs-2023-cryptosuite';
import * as Bls12381 from '@digitalbazaar/bls12-381-multikey';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import * as Ecdsa from '@digitalbazaar/ecdsa-multikey';
import * as ecdsaJcs from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite';
import {cryptosuite as ecdsaRdfc} from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite';
import * as ecdsaSd from '@digitalbazaar/ecdsa-sd-2023-cryptosuite';
import * as Ed25519 from '@digitalbazaar/ed25519-multikey';
import * as eddsaJcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import {cryptosuite as eddsaRdfc} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';

const ofWhole = cryptosuite => ({sign: () => cryptosuite, verify: () => cryptosuite});
const selective = suite => ({
  sign: ({mandatoryPointers}) => suite.createSignCryptosuite({mandatoryPointers}),
  derive: ({selectivePointers, presentationHeader = ''}) => suite.createDiscloseCryptosuite(
    {selectivePointers, presentationHeader: Uint8Array.from(Buffer.from(presentationHeader))}),
  verify: () => suite.createVerifyCryptosuite(),
});
const SUITES = {
  'eddsa-rdfc-2022': {keys: Ed25519, ...ofWhole(eddsaRdfc)},
  'eddsa-jcs-2022': {keys: Ed25519, sign: eddsaJcs.createSignCryptosuite, verify: eddsaJcs.createVerifyCryptosuite},
  'ecdsa-rdfc-2019': {keys: Ecdsa, ...ofWhole(ecdsaRdfc)},
  'ecdsa-jcs-2019': {keys: Ecdsa, sign: ecdsaJcs.createSignCryptosuite, verify: ecdsaJcs.createVerifyCryptosuite},
  'ecdsa-sd-2023': {keys: Ecdsa, ...selective(ecdsaSd)},
  'bbs-2023': {keys: Bls12381, ...selective(bbs)},
};

export class Peer {
  constructor({contexts, now}) {
    this.contexts = contexts;
    this.now = now;
    this.documentLoader = this.load.bind(this);
    this.signers = {};
  }

  async load(url) {
    const document = this.contexts[url] ?? ofDidKey(url);
    if(!document) {
      throw new Error(`${url} is not here, and nothing is fetched`);
    }
    return {contextUrl: null, documentUrl: url, document, tag: 'static'};
  }

  async signer({suite, key}) {
    return this.signers[key.id] ??= (await SUITES[suite].keys.from(key)).signer();
  }

  proof(action, how, signer) {
    const cryptosuite = SUITES[how.suite][action](how);
    return new DataIntegrityProof({signer, date: this.now, cryptosuite});
  }

  async issue({credential, ...how}) {
    const suite = this.proof('sign', how, await this.signer(how));
    const {documentLoader, now} = this;
    return {document: await vc.issue({credential, suite, documentLoader, now})};
  }

  async derive({credential, ...how}) {
    const suite = this.proof('derive', how);
    return {document: await vc.derive({verifiableCredential: credential, suite, documentLoader: this.documentLoader})};
  }

  async verify({credential, ...how}) {
    const suite = this.proof('verify', how);
    const {documentLoader, now} = this;
    return verdict(await vc.verifyCredential({credential, suite, documentLoader, now, checkStatus}));
  }

  async present({credential, holder, challenge, domain, ...how}) {
    const suite = this.proof('sign', how, await this.signer(how));
    const {documentLoader, now} = this;
    const presentation = vc.createPresentation({verifiableCredential: credential, holder, now});
    return {document: await vc.signPresentation({presentation, suite, challenge, domain, documentLoader})};
  }

  async verifyPresentation({presentation, challenge, domain, suites}) {
    const suite = suites.map(suite => this.proof('verify', {suite}));
    const {documentLoader, now} = this;
    return verdict(await vc.verify({presentation, suite, challenge, domain, documentLoader, now, checkStatus}));
  }
}

// Status lists are fetched, and nothing is fetched here.
const checkStatus = async () => ({verified: true});

function verdict(result) {
  const found = [result, ...result.credentialResults ?? []].map(each => each.error).filter(Boolean);
  const errors = found.flatMap(error => error.errors ?? error).map(error => `${error.name}: ${error.message}`);
  return {verified: result.verified, errors};
}

function ofDidKey(url) {
  const [did, method] = url.split('#');
  const key = did.replace(/^did:key:/, '');
  if(key === did) {
    return;
  }
  const id = `${did}#${key}`;
  return method ? {
    '@context': 'https://w3id.org/security/multikey/v1', id, type: 'Multikey', controller: did, publicKeyMultibase: key,
  } : {
    '@context': ['https://www.w3.org/ns/did/v1'], id: did, assertionMethod: [id], authentication: [id],
  };
}

// What every suite is started with.
import {existsSync} from 'node:fs';
import {pathToFileURL} from 'node:url';

const inSuite = path => pathToFileURL(`${process.cwd()}/node_modules/${path}`);

// One of them is written for Node 22: what it uses of that, for Node 20.
const iterators = Object.getPrototypeOf(Object.getPrototypeOf(new Map().values()));
iterators.map ??= function* map(change) {
  for(const item of this) {
    yield change(item);
  }
};

// One of them reads status lists over HTTPS alone, though what it reads them with takes plain HTTP: here they are on
// loopback.
const loader = inSuite('jsonld-document-loader/lib/index.js');
if(existsSync(loader)) {
  const {JsonLdDocumentLoader} = await import(loader);
  const {setProtocolHandler} = JsonLdDocumentLoader.prototype;
  JsonLdDocumentLoader.prototype.setProtocolHandler = function({protocol, handler}) {
    setProtocolHandler.call(this, {protocol, handler});
    if(protocol === 'https') {
      setProtocolHandler.call(this, {protocol: 'http', handler});
    }
  };
}

// One of them brings the context of its credentials, and does not tell the tests about it that it shares with others.
const shared = inSuite('data-integrity-test-suite-assertion/vc-generator/contexts.js');
const licences = inSuite('@digitalbazaar/vdl-context/js/index.js');
if(existsSync(shared) && existsSync(licences)) {
  const {contextMap} = await import(shared);
  const {CONTEXT, CONTEXT_URL} = await import(licences);
  contextMap.set(CONTEXT_URL, CONTEXT);
}

// {contexts, now, cases} → answers of @digitalbazaar/vc.
import {answerAll} from './cases.mjs';
import {Peer} from './digitalbazaar.mjs';
import {serve} from './program.mjs';

await serve(({cases, ...here}) => answerAll(new Peer(here), cases));

// Loads the packages named in the request; answers with how many names each gives.
import {serve} from './program.mjs';

await serve(names => Promise.all(names.map(async name => Object.keys(await import(name)).length)));

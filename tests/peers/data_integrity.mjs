// {contexts, now, cases: [{action, …}]} → for each case what `Peer` answers, or {failed}.
import {Peer} from './digitalbazaar.mjs';
import {serve} from './program.mjs';

await serve(async ({contexts, now, cases}) => {
  const peer = new Peer({contexts, now});
  const answers = [];
  for(const {action, ...how} of cases) {
    answers.push(await peer[action](how).catch(error => ({failed: `${error.name}: ${error.message}`})));
  }
  return answers;
});

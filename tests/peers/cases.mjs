// Cases in order, each with the name of an action of the peer: what it answers, or {failed}.
export async function answerAll(peer, cases) {
  const answers = [];
  for(const {action, ...how} of cases) {
    answers.push(await peer[action](how).catch(error => ({failed: `${error.name}: ${error.message}`})));
  }
  return answers;
}

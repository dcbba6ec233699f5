// What every program here is: one JSON request on standard input, one JSON answer on standard output.
import {text} from 'node:stream/consumers';

export async function serve(answer) {
  const request = JSON.parse(await text(process.stdin));
  process.stdout.write(JSON.stringify(await answer(request)));
}

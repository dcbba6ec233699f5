// One of the suites is written for Node 22: what it uses of that, for Node 20.
const iterators = Object.getPrototypeOf(Object.getPrototypeOf(new Map().values()));
iterators.map ??= function* map(change) {
  for(const item of this) {
    yield change(item);
  }
};

// Ways in which a network may lie, for streams and for maps.

/** Says when: true once, for the text that the lie is told of, when `before` that are meant have passed. */
export function once(isMeant, before) {
  let passed = 0;
  return text => isMeant(text) && passed++ === before;
}

/** Says the text that `now` is true of behind the next one that is meant. */
export function swapped(now, isMeant) {
  let held = null;
  return text => {
    if (now(text)) {
      held = text;
      return [];
    }
    if (held === null || !isMeant(text)) return [text];
    const both = [text, held];
    held = null;
    return both;
  };
}

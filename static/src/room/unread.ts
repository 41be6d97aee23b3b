// What of a room was not seen yet: a pure reducer.

/** `read` is the offset up to which all was seen, null before anything is known. */
export interface Unread {
  readonly read: number | null;
  /** The offset after which the line "new" stands; null for none. */
  readonly mark: number | null;
  /** Whether the end of the time line is in sight. */
  readonly inSight: boolean;
}

/**
 * The stream was read up to `newest`; `stood` is the newest event that was there when the page joined, `kept` is where
 * this device last read to, null when it never did. What happened since the page joined is new even to who never came.
 */
export function opened(before: Unread, kept: number | null, newest: number, stood: number): Unread {
  const read = before.read ?? Math.min(kept ?? stood, newest);
  const mark = before.mark ?? (read < newest ? read : null);
  return { ...before, read: before.inSight ? newest : read, mark };
}

/** An event came at the end. What its own author writes is read. */
export function heard(before: Unread, offset: number, own: boolean): Unread {
  if (before.read === null || offset <= before.read) return before;
  if (before.inSight) return { ...before, read: offset };
  const allRead = before.mark === null || before.read > before.mark;
  if (own) return before.read === offset - 1 ? { ...before, read: offset } : before;
  return allRead ? { ...before, mark: before.read } : before;
}

/** The end of the time line came in sight, or went out of it. */
export function sighted(before: Unread, inSight: boolean, newest: number): Unread {
  if (before.inSight === inSight) return before;
  return { ...before, inSight, read: inSight && before.read !== null ? Math.max(before.read, newest) : before.read };
}

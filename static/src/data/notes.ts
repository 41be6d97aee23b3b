// What the server says is doubtful about a value.

/** Gives a note without what stands before its words in Prometheus. */
export function plainNote(note: string): string {
  return note.replace(/^PromQL (?:warning|info): /, '');
}

/** Gives the notes of several queries, each once, in their order. */
export function notesOf(tables: readonly ({ readonly notes: readonly string[] } | null)[]): readonly string[] {
  return [...new Set(tables.flatMap(table => table?.notes ?? []).map(plainNote))];
}

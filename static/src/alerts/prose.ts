// Summaries and descriptions of rules: words, code between backticks, and slots that a template fills.
import { shown } from '../data/names';
import { el } from '../page/dom';

export interface Piece {
  readonly kind: 'text' | 'code' | 'slot';
  readonly text: string;
}

/** Cuts a text into its pieces: `{{ labels.disk }}` is the slot `disk`, `{{ value | round(1) }}` the slot `value`. */
export function piecesOf(text: string): Piece[] {
  return text.split(/(`[^`\n]+`|\{\{.*?\}\})/).filter(piece => piece !== '').map((piece): Piece => {
    const slot = /^\{\{\s*(?:\$?labels\.)?\$?(.*?)\s*(?:\|.*)?\}\}$/.exec(piece)?.[1];
    if (slot !== undefined) return { kind: 'slot', text: slot };
    const code = /^`(.+)`$/.exec(piece)?.[1];
    return code === undefined ? { kind: 'text', text: piece } : { kind: 'code', text: code };
  });
}

/** Writes a text of one or more lines; a slot in code stays as it is written. */
export function prose(text: string): (Node | string)[] {
  return piecesOf(text).map(piece => {
    if (piece.kind === 'slot') return el('code', { class: 'tag' }, shown(piece.text));
    if (piece.kind === 'code') return el('code', {}, shown(piece.text));
    return piece.text.split('\n').map(shown).join('\n');
  });
}

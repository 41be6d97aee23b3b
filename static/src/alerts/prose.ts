// Summaries and descriptions of rules: words, code between backticks, and templates as they are written.
import { lined } from '../data/names';
import { el } from '../page/dom';

export interface Piece {
  readonly kind: 'text' | 'code' | 'template';
  readonly text: string;
}

/** Cuts a text into its pieces. A template stays as it is written: what it will say is the server's to know. */
export function piecesOf(text: string): Piece[] {
  return text.split(/(`[^`\n]+`|\{\{[\s\S]*?\}\})/).filter(piece => piece !== '').map((piece): Piece => {
    if (/^\{\{[\s\S]*\}\}$/.test(piece)) return { kind: 'template', text: piece };
    const code = /^`(.+)`$/.exec(piece)?.[1];
    return code === undefined ? { kind: 'text', text: piece } : { kind: 'code', text: code };
  });
}

/** Writes a text of one or more lines. */
export function prose(text: string): (Node | string)[] {
  return piecesOf(text).map(piece => {
    if (piece.kind === 'text') return lined(piece.text);
    return el('code', piece.kind === 'template' ? { class: 'tag' } : {}, lined(piece.text));
  });
}

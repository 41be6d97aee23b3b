// How the editor looks: tokens of the page reach into its shadow tree, so that it wears the page's theme.
import { EditorView } from '@codemirror/view';

const SMALL = '.75rem/1rem';

export const EDITOR_THEME = EditorView.theme({
  '&': { color: 'var(--text)', background: 'none', font: '.8125rem/1.25rem var(--mono)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.25rem' },
  '.cm-content': { padding: '5px 0', minHeight: '30px', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 8px' },
  '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--text)' },
  '.cm-placeholder': { color: 'var(--text-3)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection': { background: 'var(--accent-soft)' },
  '&.cm-focused .cm-matchingBracket': { background: 'none', outline: '1px solid var(--line-control)' },
  '&.cm-focused .cm-nonmatchingBracket': { background: 'none', textDecoration: 'underline' },
  '.cm-lintRange-error': { background: 'none', paddingBottom: '0', textDecoration: 'underline wavy var(--text) 1px', textUnderlineOffset: '3px' },
  '.cm-tooltip': { border: '0', borderRadius: 'var(--r-2)', background: 'var(--overlay)', color: 'var(--text)', boxShadow: 'var(--shadow-2)', zIndex: '30' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '.75rem', maxHeight: '17em', minWidth: 'min(280px, 80vw)', maxWidth: 'min(560px, 92vw)', scrollbarWidth: 'thin', scrollbarColor: 'var(--line-strong) transparent' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '4px 10px', lineHeight: '1.25rem', display: 'flex', gap: '12px', justifyContent: 'space-between' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { background: 'var(--accent-soft)', color: 'var(--text)', boxShadow: 'inset 2px 0 var(--accent)' },
  '.cm-completionLabel': { overflow: 'hidden', textOverflow: 'ellipsis' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '600', color: 'var(--accent)' },
  '.cm-completionDetail': { color: 'var(--text-3)', fontStyle: 'normal', margin: '0', flex: 'none' },
  '.cm-tooltip.cm-completionInfo': { padding: '8px 12px', font: `${SMALL} var(--sans)`, maxWidth: '320px', color: 'var(--text-2)' },
  '.cm-diagnostic': { border: '0', padding: '6px 10px', font: `${SMALL} var(--sans)` },
  '@media (pointer: coarse)': { '.cm-content': { padding: '11px 0', minHeight: '42px' } },
});

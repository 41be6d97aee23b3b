// Puts what floats beside the button that opened it, and on the screen; the focus stays in it until it is closed.

const EDGE_PX = 8;
const AWAY_PX = 4;

const FOCUSABLE = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';

/** Tab goes around: behind the last of a page's elements there is nothing to go to, and the focus would be lost. */
function keepTab(event: KeyboardEvent): void {
  const { currentTarget: pop } = event;
  if (event.key !== 'Tab' || !(pop instanceof HTMLElement)) return;
  const all = [...pop.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(one => !one.matches(':disabled') && one.checkVisibility());
  const [first, last] = [all[0], all.at(-1)];
  if (document.activeElement !== (event.shiftKey ? first : last)) return;
  event.preventDefault();
  (event.shiftKey ? last : first)?.focus();
}

/** Places a shown popover below a rectangle, or above it where there is no room; its left edge there, or its right one. Keeps Tab in it. */
export function placeBeside(pop: HTMLElement, at: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = pop;
  const fits = at.left + width + EDGE_PX <= window.innerWidth;
  const left = Math.max(EDGE_PX, Math.min(fits ? at.left : at.right - width, window.innerWidth - width - EDGE_PX));
  const below = at.bottom + AWAY_PX;
  const top = below + height > window.innerHeight ? Math.max(EDGE_PX, at.top - height - AWAY_PX) : Math.max(EDGE_PX, below);
  pop.style.setProperty('--left', `${left}px`);
  pop.style.setProperty('--top', `${top}px`);
  pop.addEventListener('keydown', keepTab);
}

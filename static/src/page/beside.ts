// Puts what floats beside the button that opened it, and on the screen.

const EDGE_PX = 8;
const AWAY_PX = 4;

/** Places a shown popover below a rectangle, or above it where there is no room; its left edge there, or its right one. */
export function placeBeside(pop: HTMLElement, at: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = pop;
  const fits = at.left + width + EDGE_PX <= window.innerWidth;
  const left = Math.max(EDGE_PX, Math.min(fits ? at.left : at.right - width, window.innerWidth - width - EDGE_PX));
  const below = at.bottom + AWAY_PX;
  const top = below + height > window.innerHeight ? Math.max(EDGE_PX, at.top - height - AWAY_PX) : Math.max(EDGE_PX, below);
  pop.style.setProperty('--left', `${left}px`);
  pop.style.setProperty('--top', `${top}px`);
}

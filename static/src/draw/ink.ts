// Tokens as a canvas needs them: resolved for the theme that is worn.

/** Resolves `--name` through a hidden element, light-dark() included; forgets all when the theme changes. */
export class Ink {
  readonly #probe: HTMLElement;
  readonly #colours = new Map<string, string>();
  readonly #hatches = new Map<string, CanvasPattern>();
  /** Counts themes that were worn: what was dressed for another one is dressed anew. */
  worn = 0;
  font = '';
  areaAlpha = 0.3;

  constructor(document: Document) {
    this.#probe = document.createElement('span');
    this.#probe.hidden = true;
    document.body.append(this.#probe);
    this.forget();
  }

  forget(): void {
    this.worn++;
    this.#colours.clear();
    this.#hatches.clear();
    const style = getComputedStyle(this.#probe);
    this.font = `11px ${style.getPropertyValue('--sans')}`;
    this.areaAlpha = Number(style.getPropertyValue('--area-alpha')) || 0.3;
  }

  of(name: string): string {
    const known = this.#colours.get(name);
    if (known !== undefined) return known;
    this.#probe.style.color = `var(--${name})`;
    const colour = getComputedStyle(this.#probe).color;
    this.#colours.set(name, colour);
    return colour;
  }

  series(colour: number): string {
    return this.of(`series-${colour}`);
  }

  /** The same colour, let through: `rgb(a, b, c)` becomes `rgba(a, b, c, alpha)`. */
  faded(name: string, alpha: number): string {
    const [r = 0, g = 0, b = 0] = this.parts(name);
    return `rgba(${r}, ${g}, ${b}, ${alpha})`;
  }

  /** Gives red, green and blue, 0 to 255. */
  parts(name: string): readonly number[] {
    return (this.of(name).match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
  }

  /** Diagonal lines: where there are no samples, and where an alert is pending. */
  hatch(name: string, context: CanvasRenderingContext2D, alpha = 1): CanvasPattern | string {
    const known = this.#hatches.get(`${name} ${alpha}`);
    if (known) return known;
    const size = 8;
    const tile = document.createElement('canvas');
    tile.width = size;
    tile.height = size;
    const draw = tile.getContext('2d');
    if (!draw) return this.of(name);
    draw.strokeStyle = alpha === 1 ? this.of(name) : this.faded(name, alpha);
    for (let x = -size; x <= 2 * size; x += 4) {
      draw.beginPath();
      draw.moveTo(x, size);
      draw.lineTo(x + size, 0);
      draw.stroke();
    }
    const pattern = context.createPattern(tile, 'repeat');
    if (!pattern) return this.of(name);
    this.#hatches.set(`${name} ${alpha}`, pattern);
    return pattern;
  }
}

// The rows of a heat strip: which series stands in which, and under what name.
import { legendName } from '../data/names';
import type { Table } from '../data/table';

export interface Row {
  readonly name: string;
  /** The series' column in the table. */
  readonly series: number;
}

/** Names the rows, in order of name, and keeps them until the table has other columns or is another one. */
export class HeatRows {
  readonly #template: string;
  #rows: readonly Row[] = [];
  /** Tables count their generations each for itself: the number alone does not tell of which table it is. */
  #table: Table | null = null;
  #generation = -1;

  constructor(template: string) {
    this.#template = template;
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  fit(table: Table): void {
    if (this.#table === table && this.#generation === table.generation) return;
    this.#table = table;
    this.#generation = table.generation;
    this.#rows = table.series.map((labels, series) => ({ name: legendName(this.#template, labels), series }))
      .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  }
}

/**
 * Numbers under which parts that are not fronts take locks in the store, so that what a dead part held can be told.
 * Fronts count from 1 and are far fewer.
 */

/** The keeper, which copies what changed. */
export const KEEPER_OWNER = 1002;
/** The supervisor, which loads the store before anyone answers. */
export const LOADER_OWNER = 1003;
/** The numbers of the offices of a run, far above all others. */
const OFFICE_OWNER_FIRST = 2000, OFFICE_GENERATIONS = 1000;

/**
 * The office, which reads torrents for statistics and full scrapes. `generation`: counts the offices of this run, because
 * at a reload two live at the same time, and what one died with must not be taken from the other.
 */
export function officeOwner(generation: number): number {
  return OFFICE_OWNER_FIRST + generation % OFFICE_GENERATIONS;
}

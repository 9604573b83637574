/**
 * Numbers under which parts that are not fronts take locks in the store, so that what a dead part held can be told.
 * Fronts count from 1 and are far fewer.
 */

/** The office, which reads torrents for statistics and full scrapes. */
export const OFFICE_OWNER = 1001;
/** The keeper, which copies what changed. */
export const KEEPER_OWNER = 1002;
/** The supervisor, which loads the store before anyone answers. */
export const LOADER_OWNER = 1003;

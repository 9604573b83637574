/** The shield and the denied networks of real trackers, asked from many addresses: shield_inside.ts has the tests. */
import { testInNamespace } from "../support/many_addresses.ts";

testInNamespace("a tracker limits floods, serves everyone else, and denies networks", "shield_inside.ts");

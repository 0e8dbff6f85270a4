// Package feed writes access units into a publication: a [Feed] those of one track, whose numbers and timestamps go on
// whatever the units come from, and a [Live] those of an input that has a clock of its own, as they come. It stands apart
// from publisher because only sources that others have encoded need it.
package feed

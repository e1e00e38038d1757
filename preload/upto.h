/* SPDX-License-Identifier: MIT */
/*
 * upto.h - libraries that stop partway: what `make bench` builds (-DSHIM_UPTO=N) to see what each
 * part of the way of an event costs.
 *
 * In a library that users run every test here is a constant, and nothing of it is left. One that
 * stops partway writes a trace without events.
 */
#ifndef PRELOAD_UPTO_H
#define PRELOAD_UPTO_H

enum upto {
	UPTO_HOOK,    /* the door: guard, real call, settings */
	UPTO_CAPTURE, /* and time and stack */
	UPTO_ROWS,    /* and a row for the event */
	UPTO_COLUMNS, /* and chunks of rows become columns */
	UPTO_FILE,    /* and frames of them are written: all */
};

#ifndef SHIM_UPTO
#define SHIM_UPTO UPTO_FILE
#endif

/* 1 if this library goes as far as PART. Context: any. */
static inline int upto(enum upto part)
{
	return (int)part <= (int)SHIM_UPTO;
}

#endif

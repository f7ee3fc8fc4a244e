/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Intrusive doubly linked list with a head that is a node itself. Nodes belong to what they are embedded in. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define LIST_INIT(name) { &(name), &(name) }

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_add_tail(struct list *head, struct list *n)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

static inline void list_add_head(struct list *head, struct list *n)
{
	list_add_tail(head->next, n);
}

/* Leaves n an empty list of its own, so that removing twice does no harm. */
static inline void list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

/* The body must not remove entries other than through list_for_each_safe(). */
#define list_for_each(pos, head, member)                                                                               \
	for (pos = container_of((head)->next, __typeof__(*pos), member); &pos->member != (head);                       \
	     pos = container_of(pos->member.next, __typeof__(*pos), member))

/* The body may remove pos, nothing else. */
#define list_for_each_safe(pos, tmp, head, member)                                                                     \
	for (pos = container_of((head)->next, __typeof__(*pos), member),                                               \
	    tmp = container_of(pos->member.next, __typeof__(*pos), member);                                            \
	     &pos->member != (head); pos = tmp, tmp = container_of(tmp->member.next, __typeof__(*tmp), member))

#endif

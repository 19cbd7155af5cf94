/* libetpan: fetches all rows of the mailbox and reports what that cost, as JSON. It gives them as one list. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <libetpan/libetpan.h>

static unsigned long long messages, uids, sizes, subjects, addresses, leaves;

static double seconds(struct timeval t) { return t.tv_sec + t.tv_usec / 1e6; }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static uint32_t crc32_of(const char *text) {
  uint32_t crc = ~0u;
  for (; text != NULL && *text != 0; text++) {
    crc ^= (unsigned char)*text;
    for (int k = 0; k < 8; k++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
  }
  return ~crc;
}

static int length(clist *list) { return list == NULL ? 0 : clist_count(list); }

static void count_envelope(struct mailimap_envelope *e) {
  subjects += crc32_of(e->env_subject);
  addresses += e->env_from == NULL ? 0 : length(e->env_from->frm_list);
  addresses += e->env_sender == NULL ? 0 : length(e->env_sender->snd_list);
  addresses += e->env_reply_to == NULL ? 0 : length(e->env_reply_to->rt_list);
  addresses += e->env_to == NULL ? 0 : length(e->env_to->to_list);
  addresses += e->env_cc == NULL ? 0 : length(e->env_cc->cc_list);
  addresses += e->env_bcc == NULL ? 0 : length(e->env_bcc->bcc_list);
}

static void count_body(struct mailimap_body *b) {
  if (b->bd_type == MAILIMAP_BODY_MPART) {
    for (clistiter *i = clist_begin(b->bd_data.bd_body_mpart->bd_list); i != NULL; i = clist_next(i)) count_body(clist_content(i));
    return;
  }
  leaves++;
  struct mailimap_body_type_1part *part = b->bd_data.bd_body_1part;
  if (part->bd_type == MAILIMAP_BODY_TYPE_1PART_MSG) count_body(part->bd_data.bd_type_msg->bd_body);
}

static void count_row(struct mailimap_msg_att *row) {
  messages++;
  for (clistiter *i = clist_begin(row->att_list); i != NULL; i = clist_next(i)) {
    struct mailimap_msg_att_item *item = clist_content(i);
    if (item->att_type != MAILIMAP_MSG_ATT_ITEM_STATIC) continue;
    struct mailimap_msg_att_static *s = item->att_data.att_static;
    switch (s->att_type) {
    case MAILIMAP_MSG_ATT_UID: uids += s->att_data.att_uid; break;
    case MAILIMAP_MSG_ATT_RFC822_SIZE: sizes += s->att_data.att_rfc822_size; break;
    case MAILIMAP_MSG_ATT_ENVELOPE: count_envelope(s->att_data.att_env); break;
    case MAILIMAP_MSG_ATT_BODYSTRUCTURE: count_body(s->att_data.att_body); break;
    }
  }
}

static void must(int result, const char *what) {
  if (result != MAILIMAP_NO_ERROR && result != MAILIMAP_NO_ERROR_AUTHENTICATED && result != MAILIMAP_NO_ERROR_NON_AUTHENTICATED) {
    fprintf(stderr, "%s: libetpan error %d\n", what, result);
    exit(1);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  mailimap *c = mailimap_new(0, NULL);
  must(mailimap_socket_connect(c, argv[1], atoi(argv[2])), "connect");
  must(mailimap_login(c, "jo", "pass"), "login");
  must(mailimap_examine(c, "INBOX"), "examine");
  struct mailimap_fetch_type *type = mailimap_fetch_type_new_fetch_att_list_empty();
  mailimap_fetch_type_new_fetch_att_list_add(type, mailimap_fetch_att_new_uid());
  mailimap_fetch_type_new_fetch_att_list_add(type, mailimap_fetch_att_new_flags());
  mailimap_fetch_type_new_fetch_att_list_add(type, mailimap_fetch_att_new_internaldate());
  mailimap_fetch_type_new_fetch_att_list_add(type, mailimap_fetch_att_new_rfc822_size());
  mailimap_fetch_type_new_fetch_att_list_add(type, mailimap_fetch_att_new_envelope());
  mailimap_fetch_type_new_fetch_att_list_add(type, mailimap_fetch_att_new_bodystructure());
  struct mailimap_set *all = mailimap_set_new_interval(1, c->imap_selection_info->sel_exists);
  struct rusage before, after;
  clist *rows;
  getrusage(RUSAGE_SELF, &before);
  double began = now();
  must(mailimap_fetch(c, all, type, &rows), "fetch");
  double wall = now() - began;
  getrusage(RUSAGE_SELF, &after);
  for (clistiter *i = clist_begin(rows); i != NULL; i = clist_next(i)) count_row(clist_content(i));
  printf("{\"totals\":{\"messages\":%llu,\"uids\":%llu,\"sizes\":%llu,\"subjects\":%llu,\"addresses\":%llu,\"leaves\":%llu},"
         "\"user_seconds\":%f,\"system_seconds\":%f,\"wall_seconds\":%f,\"version\":\"libetpan %d.%d\"}\n",
         messages, uids, sizes, subjects, addresses, leaves, seconds(after.ru_utime) - seconds(before.ru_utime),
         seconds(after.ru_stime) - seconds(before.ru_stime), wall, libetpan_get_version_major(), libetpan_get_version_minor());
  mailimap_logout(c);
  return 0;
}

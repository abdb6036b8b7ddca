"""SQL of the answers that did not go out: held by the gate, refused on the way, or perhaps sent."""

# A refused answer is settled when a later one of the same thread went out.
UNSENT = """
SELECT t.conversation_id, t.scope_id, m.id AS message_id, m.state, m.at, m.subject, m.text
FROM conversations_message m
JOIN conversations_messagecopy k ON k.message_id = m.id AND k.first_in_thread AND k.scope_id = ANY (%(scopes)s)
JOIN conversations_thread t ON t.id = k.thread_id
WHERE m.state IN ('held', 'failed', 'unknown') AND (m.state <> 'failed' OR NOT EXISTS (
    SELECT 1 FROM conversations_messagecopy lk JOIN conversations_message l ON l.id = lk.message_id
    WHERE lk.thread_id = k.thread_id AND lk.first_in_thread AND l.direction = 'out' AND lk.at > k.at
      AND l.state IN ('queued', 'sent', 'delivered', 'read')))
"""
UNSENT_COUNT = f"SELECT DISTINCT u.conversation_id FROM ({UNSENT}) u LIMIT %(cap)s"  # noqa: S608
UNSENT_COLUMN = f"(SELECT count(*) FROM ({UNSENT_COUNT.replace('%(cap)s', '100')}) unsent)"  # noqa: S608

# Why: the gate's sentence for what it held, else what the other side said.
UNSENT_PAGE = f"""
SELECT n.conversation_id, cs.id, n.message_id, n.state, n.at, left(n.text, 300), n.number,
       coalesce(held.sentence, ''), held.until, coalesce(tried.error, '')
FROM (SELECT DISTINCT ON (u.conversation_id) u.*, count(*) OVER (PARTITION BY u.conversation_id) AS number
      FROM ({UNSENT}) u ORDER BY u.conversation_id, u.at DESC) n
JOIN conversations_conversationscope cs ON cs.conversation_id = n.conversation_id AND cs.scope_id = n.scope_id
LEFT JOIN LATERAL (SELECT d.sentence, d.until FROM trust_touch x JOIN trust_decision d ON d.touch_id = x.id
                   WHERE n.state = 'held' AND x.subject_id = n.message_id AND d.outcome <> 'allow'
                   ORDER BY d.id DESC LIMIT 1) held ON true
LEFT JOIN LATERAL (SELECT v.error FROM channels_delivery v WHERE n.state <> 'held' AND v.message_id = n.message_id
                   ORDER BY v.id DESC LIMIT 1) tried ON true
WHERE %(at)s::timestamptz IS NULL OR (n.at, n.conversation_id) < (%(at)s, %(key)s)
ORDER BY n.at DESC, n.conversation_id DESC LIMIT %(limit)s
"""  # noqa: S608

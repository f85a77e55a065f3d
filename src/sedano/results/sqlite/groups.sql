-- The statements for groups and chords. Times are POSIX seconds.
--
-- A chord whose time is over counts for nothing, and is deleted by the next that comes to it. Everything that
-- changes a chord writes first: a transaction that began by reading could not wait for its turn.

-- save_group --
INSERT INTO sedano_group (group_id, document, expires_at) VALUES (?, ?, ?)
ON CONFLICT (group_id) DO UPDATE SET document = excluded.document, expires_at = excluded.expires_at;

-- get_group --
SELECT document FROM sedano_group WHERE group_id = ? AND (expires_at IS NULL OR expires_at > ?);

-- forget_group --
DELETE FROM sedano_group WHERE group_id = ?;

-- forget_expired_chord --
DELETE FROM sedano_chord WHERE group_id = ? AND expires_at <= ?;

-- forget_ended_chord --
DELETE FROM sedano_chord WHERE group_id = ? AND ended;

-- forget_parts --
DELETE FROM sedano_chord_part WHERE group_id = ?;

-- begin_chord --
INSERT INTO sedano_chord (group_id, size, extension, counted, claimed_by, claimed_until, ended, expires_at)
VALUES (?, ?, 0, 0, NULL, NULL, 0, ?)
ON CONFLICT (group_id) DO UPDATE SET size = excluded.size, expires_at = excluded.expires_at;

-- extend_chord --
INSERT INTO sedano_chord (group_id, size, extension, counted, claimed_by, claimed_until, ended, expires_at)
VALUES (?, NULL, ?, 0, NULL, NULL, 0, ?)
ON CONFLICT (group_id) DO UPDATE SET extension = sedano_chord.extension + excluded.extension;

-- keep_chord --
-- Changes nothing if the chord has ended.
INSERT INTO sedano_chord (group_id, size, extension, counted, claimed_by, claimed_until, ended, expires_at)
VALUES (?, NULL, 0, 0, NULL, NULL, 0, ?)
ON CONFLICT (group_id) DO UPDATE SET expires_at = excluded.expires_at WHERE NOT sedano_chord.ended;

-- add_part --
INSERT INTO sedano_chord_part (group_id, member, place, document) VALUES (?, ?, ?, ?)
ON CONFLICT (group_id, member) DO NOTHING;

-- count_part --
UPDATE sedano_chord SET counted = counted + 1 WHERE group_id = ?;

-- claim_complete_chord --
UPDATE sedano_chord SET claimed_by = ?, claimed_until = ?
WHERE group_id = ? AND counted >= size + extension
AND (claimed_by IS NULL OR claimed_by = ? OR claimed_until <= ?);

-- claim_chord --
UPDATE sedano_chord SET claimed_by = ?, claimed_until = ?
WHERE group_id = ? AND size IS NOT NULL AND (expires_at IS NULL OR expires_at > ?)
AND (claimed_by IS NULL OR claimed_by = ? OR claimed_until <= ?);

-- end_chord --
UPDATE sedano_chord SET ended = 1, size = NULL, claimed_by = NULL, claimed_until = NULL, expires_at = ?
WHERE group_id = ? AND claimed_by = ?;

-- has_part --
SELECT 1 FROM sedano_chord
WHERE group_id = ? AND (expires_at IS NULL OR expires_at > ?)
AND (ended OR EXISTS (SELECT 1 FROM sedano_chord_part AS part
                      WHERE part.group_id = sedano_chord.group_id AND part.member = ?));

-- is_to_end --
SELECT 1 FROM sedano_chord WHERE group_id = ? AND (expires_at IS NULL OR expires_at > ?) AND claimed_by = ?;

-- parts --
SELECT document FROM sedano_chord_part
WHERE group_id = (SELECT group_id FROM sedano_chord WHERE group_id = ? AND (expires_at IS NULL OR expires_at > ?))
AND length(document) > 0
ORDER BY place IS NULL, place, id;

-- prune_groups --
DELETE FROM sedano_group WHERE group_id IN (
    SELECT group_id FROM sedano_group WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ?);

-- prune_parts --
DELETE FROM sedano_chord_part WHERE id IN (
    SELECT part.id FROM sedano_chord JOIN sedano_chord_part AS part ON part.group_id = sedano_chord.group_id
    WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ?);

-- prune_chords --
DELETE FROM sedano_chord WHERE group_id IN (
    SELECT group_id FROM sedano_chord WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ?);

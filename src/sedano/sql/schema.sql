-- The tables of a Sedano database, for SQLite. Django's migrations make the same ones.
--
-- sedano_message is the hot table: a message lives here from its publication to its settlement. Ids only
-- grow (AUTOINCREMENT), so an id is never given to a second message, and id order is publication order.
-- Each statement's name is the table's or index's, without "sedano_". The indices are partial, one for each
-- question that is asked of messages in that state.

-- message --
CREATE TABLE IF NOT EXISTS sedano_message (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    task_id     TEXT    NOT NULL,
    task        TEXT    NOT NULL,
    queue       TEXT    NOT NULL,
    priority    INTEGER NOT NULL,  -- higher runs sooner
    state       TEXT    NOT NULL,  -- ready, scheduled, claimed, parked or unpublished
    due         REAL    NULL,      -- POSIX seconds; set while scheduled
    ready_since REAL    NOT NULL,  -- POSIX seconds
    crashes     INTEGER NOT NULL,  -- processes that died running it
    redelivered BOOL    NOT NULL,  -- its task may have begun before
    claimed_by  TEXT    NULL,      -- the incarnation that holds it, while claimed: the fence
    envelope    BLOB    NOT NULL   -- sedano.message.envelope.pack; of the unpublished, the whole Publication
);

-- message_ready --
-- ready_since is in it so that depth and oldest age are answered from the index alone.
CREATE INDEX IF NOT EXISTS sedano_message_ready
    ON sedano_message (queue, priority DESC, id, ready_since) WHERE state = 'ready';

-- message_scheduled --
CREATE INDEX IF NOT EXISTS sedano_message_scheduled
    ON sedano_message (queue, due) WHERE state = 'scheduled';

-- message_claimed --
CREATE INDEX IF NOT EXISTS sedano_message_claimed
    ON sedano_message (claimed_by) WHERE state = 'claimed';

-- message_parked --
CREATE INDEX IF NOT EXISTS sedano_message_parked
    ON sedano_message (task) WHERE state = 'parked';

-- message_unpublished --
CREATE INDEX IF NOT EXISTS sedano_message_unpublished
    ON sedano_message (ready_since) WHERE state = 'unpublished';

-- node --
-- One row for each incarnation of a node that holds a lease; deleted by whoever takes it for dead.
CREATE TABLE IF NOT EXISTS sedano_node (
    incarnation   TEXT NOT NULL PRIMARY KEY,
    node          TEXT NOT NULL,
    started_at    REAL NOT NULL,  -- POSIX seconds
    renewed_at    REAL NOT NULL,  -- POSIX seconds
    lease_seconds REAL NOT NULL,
    running       TEXT NOT NULL   -- JSON list: ids of the messages its children are running
);

-- queue --
-- Only queues of which something is to be remembered have a row.
CREATE TABLE IF NOT EXISTS sedano_queue (
    name   TEXT NOT NULL PRIMARY KEY,
    paused BOOL NOT NULL
);

-- rate --
-- When the tasks may start whose limits all nodes keep together: sedano.brokers.turns.
CREATE TABLE IF NOT EXISTS sedano_rate (
    task       TEXT NOT NULL PRIMARY KEY,
    next_start REAL NOT NULL,  -- POSIX seconds
    tail       REAL NOT NULL   -- POSIX seconds
);

-- dead_letter --
CREATE TABLE IF NOT EXISTS sedano_dead_letter (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    task_id   TEXT    NOT NULL,
    task      TEXT    NOT NULL,
    queue     TEXT    NOT NULL,
    priority  INTEGER NOT NULL,
    reason    TEXT    NOT NULL,
    crashes   INTEGER NOT NULL,
    buried_at REAL    NOT NULL,  -- POSIX seconds
    envelope  BLOB    NOT NULL
);

-- result --
CREATE TABLE IF NOT EXISTS sedano_result (
    task_id    TEXT NOT NULL PRIMARY KEY,
    state      TEXT NOT NULL,
    document   BLOB NOT NULL,  -- Celery's result meta, encoded
    expires_at REAL NULL       -- POSIX seconds
);

-- result_expiry --
CREATE INDEX IF NOT EXISTS sedano_result_expiry
    ON sedano_result (expires_at) WHERE expires_at IS NOT NULL;

-- group --
CREATE TABLE IF NOT EXISTS sedano_group (
    group_id   TEXT NOT NULL PRIMARY KEY,
    document   BLOB NOT NULL,  -- Celery's result tuple of a group, encoded
    expires_at REAL NULL       -- POSIX seconds
);

-- group_expiry --
CREATE INDEX IF NOT EXISTS sedano_group_expiry
    ON sedano_group (expires_at) WHERE expires_at IS NOT NULL;

-- chord --
CREATE TABLE IF NOT EXISTS sedano_chord (
    group_id      TEXT    NOT NULL PRIMARY KEY,
    size          INTEGER NULL,      -- members it began with; null before it has begun, and after its end
    extension     INTEGER NOT NULL,  -- members that came on top
    counted       INTEGER NOT NULL,  -- its rows in sedano_chord_part
    claimed_by    TEXT    NULL,      -- the member that completed it, and is to end it
    claimed_until REAL    NULL,      -- POSIX seconds
    ended         BOOL    NOT NULL,
    expires_at    REAL    NULL       -- POSIX seconds
);

-- chord_expiry --
CREATE INDEX IF NOT EXISTS sedano_chord_expiry
    ON sedano_chord (expires_at) WHERE expires_at IS NOT NULL;

-- chord_part --
CREATE TABLE IF NOT EXISTS sedano_chord_part (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    group_id TEXT    NOT NULL,
    member   TEXT    NOT NULL,
    place    INTEGER NULL,      -- among the members; null comes last
    document BLOB    NOT NULL,
    CONSTRAINT sedano_chord_member UNIQUE (group_id, member)
);

-- entry --
-- The schedule: when each entry was last due and run, and the rules of those that were made at run time.
CREATE TABLE IF NOT EXISTS sedano_entry (
    name        TEXT    NOT NULL PRIMARY KEY,
    since       REAL    NOT NULL,  -- POSIX seconds: the last due moment, or when it was first seen
    last_run_at REAL    NULL,      -- POSIX seconds
    runs        INTEGER NOT NULL,
    paused      BOOL    NOT NULL,
    document    BLOB    NULL       -- its rule, if it was made at run time
);

-- schedule --
-- One row: how often entries were changed, so that schedulers know when to look again.
CREATE TABLE IF NOT EXISTS sedano_schedule (
    id      INTEGER NOT NULL PRIMARY KEY,
    changes INTEGER NOT NULL
);

internal import APISchema
internal import Filesystem

/// The schemas of the document. They say what matters to a caller; readers ignore fields that they do not know.
enum OpenAPISchemas {
    static let json: JSON = {
        do {
            return try JSONParser.parse(Array(text.utf8))
        } catch {
            preconditionFailure("the schemas are no JSON: \(error)")
        }
    }()

    private static let text = """
        {
        "Any": {},
        "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "object",
            "required": ["code", "operation", "object", "cause", "hint"], "properties": {
            "code": {"type": "string", "description": "such as not_found, already_exists, invalid, unavailable, timed_out, conflict, stale"},
            "operation": {"type": "string"}, "object": {"type": "string"}, "cause": {"type": "string"}, "hint": {"type": "string"}}}}},
        "Name": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        "Rename": {"$ref": "#/components/schemas/Name"},
        "Endpoints": {"type": "object", "additionalProperties": {"type": "string"}},
        "Status": {"type": "object", "properties": {"node": {"type": "integer"}, "region": {"type": "string"}, "cluster": {"type": "string"},
            "version": {"type": "string"}, "state": {"enum": ["starting", "ready", "draining"]}, "pid": {"type": "integer"},
            "uptime_s": {"type": "number"}, "data_dir": {"type": "string"}, "endpoints": {"$ref": "#/components/schemas/Endpoints"},
            "groups": {"type": "array", "items": {"$ref": "#/components/schemas/Group"}}}},
        "Group": {"type": "object", "properties": {"group": {"type": "integer"}, "filesystem": {"type": ["string", "null"]},
            "role": {"type": "string"}, "term": {"type": "integer"}, "leader": {"type": ["integer", "null"]}, "commit_index": {"type": "integer"},
            "applied_index": {"type": "integer"}, "digest": {"type": ["string", "null"]}, "voters": {"type": "array", "items": {"type": "integer"}},
            "learners": {"type": "array", "items": {"type": "integer"}}, "version": {"type": "integer"}}},
        "Waits": {"type": "object", "properties": {"node": {"type": "integer"}, "waits": {"type": "array", "items": {
            "type": "object", "properties": {"operation": {"type": "string"}, "object": {"type": "string"},
            "filesystem": {"type": ["string", "null"]}, "session": {"type": ["string", "null"]},
            "waits_for": {"type": "string", "description": "in words; not for programs"}, "waited_s": {"type": "number"},
            "left_s": {"type": "number", "description": "until the deadline of the request"}}}}}},
        "Members": {"type": "object", "properties": {"node": {"type": "integer"}, "members": {"type": "array", "items": {
            "type": "object", "properties": {"id": {"type": "integer"}, "region": {"type": "string"}, "status": {"type": "string"},
            "incarnation": {"type": "integer"}, "rtt_ms": {"type": ["number", "null"]}, "endpoints": {"$ref": "#/components/schemas/Endpoints"}}}}}},
        "GossipKeys": {"type": "object", "properties": {"node": {"type": "integer"}, "seals": {"type": "integer"},
            "opens": {"type": "array", "items": {"type": "integer"}}}},
        "Regions": {"type": "object", "properties": {"node": {"type": "integer"}, "pairs": {"type": "array", "items": {
            "type": "object", "properties": {"from": {"type": "string"}, "to": {"type": "string"}, "median_ms": {"type": "number"},
            "p90_ms": {"type": "number"}, "least_ms": {"type": "number", "description": "the shortest that is remembered"},
            "samples": {"type": "integer"}}}}}},
        "Node": {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}, "region": {"type": "string"},
            "state": {"enum": ["active", "draining", "drained", "removed"]}, "weight": {"type": "integer"}, "votes": {"type": "integer"},
            "replicas": {"type": "integer"}, "holds": {"type": ["string", "null"]}, "joined_at": {"type": "string", "format": "date-time"},
            "endpoints": {"$ref": "#/components/schemas/Endpoints"}}},
        "Nodes": {"type": "object", "properties": {"nodes": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}}},
        "FilesystemRequest": {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["nfs", "volume"]},
            "name": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}, "environment": {"type": "string", "default": "main"},
            "region": {"type": "string", "description": "primary region of a network file system, home of a volume; the node's own without it"},
            "mode": {"enum": ["create_fail_if_exists", "create_if_missing", "ephemeral"], "default": "create_fail_if_exists"},
            "owner": {"type": "string", "description": "of an ephemeral one: the id of an app"},
            "durability": {"enum": ["region", "majority", "all", "bounded"]},
            "max_lag_s": {"type": "number", "description": "of bounded: commits fail while a region lags by more"},
            "max_lag_bytes": {"type": "integer"}, "replicas_per_region": {"type": "integer"}, "voter_regions": {"type": "integer"},
            "copies_per_region": {"type": "integer"}, "version": {"type": "integer"}, "background_commit_s": {"type": "integer"},
            "kept_versions": {"type": "integer"}, "quota_bytes": {"type": "integer"}}},
        "CloneRequest": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"},
            "kind": {"enum": ["nfs", "volume"], "description": "that of the source without it"},
            "version": {"type": "integer", "description": "of a volume; what it holds now without it"}, "environment": {"type": "string"},
            "region": {"type": "string"}, "durability": {"enum": ["region", "majority", "all", "bounded"]}, "max_lag_s": {"type": "number"},
            "max_lag_bytes": {"type": "integer"}, "kept_versions": {"type": "integer"}, "quota_bytes": {"type": "integer"}}},
        "Filesystem": {"type": "object", "properties": {"id": {"type": "string"}, "kind": {"enum": ["nfs", "volume"]},
            "name": {"type": ["string", "null"]}, "environment": {"type": "string"}, "region": {"type": "string"}, "location": {"type": "string"},
            "durability": {"type": "string"}, "created_at": {"type": "string", "format": "date-time"}, "created_at_ns": {"type": "integer"},
            "created_by": {"type": "string"}, "owner": {"type": ["string", "null"]}, "group": {"type": "integer"},
            "voters": {"type": "array", "items": {"type": "integer"}}, "learners": {"type": "array", "items": {"type": "integer"}},
            "created": {"type": "boolean", "description": "in the answer to a creation: false where it existed"}}},
        "Filesystems": {"type": "object", "properties": {"filesystems": {"type": "array", "items": {"$ref": "#/components/schemas/Filesystem"}}}},
        "AppRequest": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "description": {"type": "string"},
            "environment": {"type": "string"}, "lease_s": {"type": "integer", "minimum": 5, "maximum": 3600}, "tasks": {"type": "integer"}}},
        "App": {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "description": {"type": "string"},
            "environment": {"type": "string"}, "state": {"enum": ["running", "stopped", "expired", "finished"]}, "tasks": {"type": "integer"},
            "created_at": {"type": "string"}, "created_by": {"type": "string"}, "stopped_at": {"type": ["string", "null"]},
            "lease_s": {"type": "integer"}, "filesystems": {"type": "array", "items": {"type": "string"}}}},
        "Apps": {"type": "object", "properties": {"apps": {"type": "array", "items": {"$ref": "#/components/schemas/App"}}}},
        "Heartbeat": {"type": "object", "properties": {"tasks": {"type": "integer"}}},
        "Stop": {"type": "object", "properties": {"finished": {"type": "boolean", "description": "the app ended by itself"}}},
        "Stopped": {"type": "object", "properties": {"apps": {"type": "array", "items": {"type": "string"}},
            "filesystems": {"type": "array", "items": {"type": "string"}}}},
        "Events": {"type": "object", "properties": {"events": {"type": "array", "items": {"type": "object", "properties": {
            "time": {"type": "string"}, "by": {"type": "string"}, "verb": {"type": "string"}, "object": {"type": "string"},
            "detail": {"type": "string"}}}}}},
        "Environments": {"type": "object", "properties": {"environments": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"}, "created_at": {"type": "string"}, "created_by": {"type": "string"}}}}}},
        "TokenRequest": {"type": "object", "required": ["scopes"], "properties": {"description": {"type": "string"},
            "expires_in_s": {"type": "integer"}, "scopes": {"type": "array", "items": {"type": "object", "properties": {
            "filesystem": {"type": "string"}, "environment": {"type": "string"}, "cluster": {"const": "admin"}, "write": {"type": "boolean"}}}}}},
        "NewToken": {"type": "object", "properties": {"id": {"type": "integer"}, "token": {"type": "string"}}},
        "Tokens": {"type": "object", "properties": {"tokens": {"type": "array", "items": {"type": "object", "properties": {
            "id": {"type": "integer"}, "description": {"type": "string"}, "scopes": {"type": "array", "items": {"type": "string"}},
            "created_at": {"type": "string"}, "created_by": {"type": "string"}, "expires_at_ns": {"type": ["integer", "null"]},
            "revoked_at_ns": {"type": ["integer", "null"]}}}}}},
        "SessionOptions": {"type": "object", "properties": {"read_only": {"type": "boolean"}, "version": {"type": "integer"},
            "user_id": {"type": "integer"}, "group_id": {"type": "integer"}, "idle_limit_ms": {"type": "integer", "default": 600000},
            "attribute_cache_ms": {"type": "integer", "default": 3000},
            "commit_every_s": {"type": "integer", "description": "volumes: the node commits what is staged this often; files open for writing are left out until closed or synced"},
            "keep_numbers": {"type": "boolean", "description": "volumes: what the session makes keeps its inode number when it is committed"},
            "require_local": {"type": "boolean", "description": "refuse a network file system that lives in another region"}}},
        "Distance": {"type": "object", "properties": {"from": {"type": "string"}, "region": {"type": "string"},
            "rtt_ms": {"type": ["number", "null"]}, "open_ms": {"type": ["number", "null"]}, "small_read_ms": {"type": ["number", "null"]},
            "small_write_ms": {"type": ["number", "null"]}}},
        "Session": {"type": "object", "properties": {"session": {"type": "string"}, "filesystem": {"type": "string"}, "read_only": {"type": "boolean"},
            "distance": {"$ref": "#/components/schemas/Distance", "description": "of a network file system that lives in another region"}}},
        "Operation": {"type": "object", "required": ["op"], "properties": {"op": {"enum": [\(operations)]},
            "path": {"type": "string"}, "path_at": {"type": "integer",
            "description": "an inode from which the path begins, instead of the root; as well from_at, to_at, existing_at, new_at"}, "follow_links": {"type": "boolean", "default": true}, "cookie": {"type": "string"}, "limit": {"type": "integer"},
            "mode": {"type": "string", "description": "open: read, write, create or replace; reload: latest, local, max_staleness, min_commit or strict"},
            "permissions": {"type": "integer"}, "exclusive": {"type": "boolean"}, "truncate": {"type": "boolean"},
            "refuse_existing": {"type": "boolean"}, "handle": {"type": "string"}, "offset": {"type": "integer"}, "length": {"type": "integer"},
            "abandon": {"type": "boolean"}, "parents": {"type": "boolean"}, "recursive": {"type": "boolean"},
            "from": {"type": ["string", "integer"], "description": "a path; of diff a version"}, "to": {"type": ["string", "integer"]},
            "no_replace": {"type": "boolean"}, "existing": {"type": "string"}, "new": {"type": "string"}, "target": {"type": "string"},
            "owner": {"type": "integer"}, "group": {"type": "integer"}, "size": {"type": "integer"}, "atime_ns": {"type": "integer"},
            "mtime_ns": {"type": "integer"}, "name": {"type": "string"}, "value": {"type": "string"}, "start": {"type": "integer"},
            "wait": {"description": "lock: boolean; commit: policy, local, majority, all or an array of regions"}, "if_unchanged": {"type": "boolean"},
            "message": {"type": "string"}, "discard": {"type": "boolean"}, "max_staleness_ms": {"type": "integer"}, "version": {"type": "integer"},
            "index": {"type": "integer"}, "type": {"enum": ["fifo", "socket", "char", "block"]}, "device": {"type": "integer"},
            "extend": {"type": "boolean"}}},
        "Cost": {"type": "object", "properties": {"wan_round_trips": {"type": "integer"}, "wan_bytes": {"type": "integer"},
            "chunks_from_region": {"type": "integer"}, "chunks_from_afar": {"type": "integer"}}},
        "Attributes": {"type": "object", "properties": {"inode": {"type": "integer"},
            "type": {"enum": ["file", "dir", "link", "fifo", "socket", "char", "block"]}, "permissions": {"type": "integer"},
            "links": {"type": "integer"}, "owner": {"type": "integer"}, "group": {"type": "integer"}, "size": {"type": "integer"},
            "atime_ns": {"type": "integer"}, "mtime_ns": {"type": "integer"}, "ctime_ns": {"type": "integer"}, "change_id": {"type": "integer"}, "allocated": {"type": "integer"}, "device": {"type": "integer"}}},
        "Receipt": {"type": "object", "properties": {"version": {"type": "integer"}, "digest": {"type": "string"},
            "conflicts": {"type": "array", "items": {"type": "object"}}, "complete_regions": {"type": "array", "items": {"type": "string"}},
            "changes": {"type": "integer"}}},
        "RegionLag": {"type": "object", "properties": {"region": {"type": "string"}, "version": {"type": "integer"},
            "lag_s": {"type": "number"}, "lag_commits": {"type": "integer"}, "lag_bytes": {"type": "integer"},
            "in_touch": {"type": "boolean", "description": "false: as it was when the region was last heard"}}},
        "Outcome": {"type": "object", "required": ["type", "cost"], "properties": {
            "type": {"enum": ["done", "attributes", "entries", "opened", "data", "written", "link", "bytes", "names", "statistics", "receipt",
            "session", "history", "changes", "conflicts", "lock"]}, "cost": {"$ref": "#/components/schemas/Cost"},
            "attributes": {"$ref": "#/components/schemas/Attributes"}, "entries": {"type": "array", "items": {"type": "object"}},
            "next_cookie": {"type": ["string", "null"]}, "handle": {"type": "string"}, "length": {"type": "integer"},
            "lag": {"type": "array", "description": "session: of a volume", "items": {"$ref": "#/components/schemas/RegionLag"}}}},
        "Stored": {"type": "object", "properties": {"bytes": {"type": "integer"}, "receipt": {"$ref": "#/components/schemas/Receipt"},
            "cost": {"$ref": "#/components/schemas/Cost"}}}
        }
        """
    private static let operations = FileOperation.words.map { "\"\($0)\"" }.joined(separator: ", ")
}

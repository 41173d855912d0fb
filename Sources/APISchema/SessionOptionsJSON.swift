package import Filesystem
internal import Primitives

/// What `POST /v1/filesystems/{id}/sessions` takes; every field may be left out.
extension SessionOptions: JSONEncodable {
    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("read_only", readOnly)
            if let version { $0.field("version", version.rawValue) }
            $0.field("user_id", userID)
            $0.field("group_id", groupID)
            $0.field("idle_limit_ms", idleLimit.inNanoseconds / 1_000_000)
            $0.field("attribute_cache_ms", attributeCache.inNanoseconds / 1_000_000)
            if requireLocal { $0.field("require_local", true) }
            if keepsNumbers { $0.field("keep_numbers", true) }
            if let startsAt { $0.field("start_at", startsAt.rawValue) }
            if let succeeds {
                $0.field("succeeds_node", succeeds.node.rawValue)
                $0.field("succeeds_session", identifier: succeeds.session.rawValue)
            }
            if let commitEvery { $0.field("commit_every_s", commitEvery.inNanoseconds / 1_000_000_000) }
        }
    }

    package init(json: JSON) throws(FileFailure) {
        let standard = SessionOptions()
        let idle = try json.unsigned("idle_limit_ms", default: UInt64(standard.idleLimit.inNanoseconds / 1_000_000))
        guard (1_000...86_400_000).contains(idle) else { throw JSON.invalid("idle_limit_ms", "must be 1,000 to 86,400,000") }
        let cache = try json.unsigned("attribute_cache_ms", default: UInt64(standard.attributeCache.inNanoseconds / 1_000_000))
        guard cache <= 3_600_000 else { throw JSON.invalid("attribute_cache_ms", "must be at most 3,600,000") }
        self.init(
            readOnly: try json.bool("read_only"), version: try json.optionalUnsigned("version").map(VersionID.init),
            userID: try json.small("user_id", default: 0), groupID: try json.small("group_id", default: 0),
            idleLimit: .milliseconds(Int64(idle)), attributeCache: .milliseconds(Int64(cache)))
        requireLocal = try json.bool("require_local")
        keepsNumbers = try json.bool("keep_numbers")
        startsAt = try json.optionalUnsigned("start_at").map(VersionID.init)
        guard startsAt == nil || version == nil else { throw JSON.invalid("start_at", "goes with no version") }
        if let node = try json.optionalUnsigned("succeeds_node") {
            succeeds = SessionPredecessor(node: NodeID(node), session: SessionID(try json.identifier("succeeds_session")))
        }
        let seconds = try json.unsigned("commit_every_s", default: 0)
        guard seconds <= 3_600 else { throw JSON.invalid("commit_every_s", "must be at most 3600; 0 for never") }
        if seconds > 0 { commitEvery = .seconds(Int64(seconds)) }
    }
}

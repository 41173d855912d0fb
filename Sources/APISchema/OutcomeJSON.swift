package import Filesystem
internal import Primitives

/// The JSON of a `FileOutcome`: `{"type": "attributes", …, "cost": {…}}`.
extension FileOutcome: JSONEncodable {
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            value.writeFields(to: &writer)
            writer.field("cost", cost)
        }
    }
}

extension FileValue {
    fileprivate func writeFields(to writer: inout JSONWriter) {
        switch self {
        case .done: writer.field("type", "done")
        case .attributes(let attributes):
            writer.field("type", "attributes")
            writer.field("attributes", attributes)
        case .entries(let entries, let nextCookie):
            writer.field("type", "entries")
            writer.field("entries", entries)
            writer.field("next_cookie", nextCookie.map(String.init))
        case .opened(let handle, let attributes):
            writer.field("type", "opened")
            writer.field("handle", identifier: handle.rawValue)
            writer.field("attributes", attributes)
        case .data(let length, let endOfFile):
            writer.field("type", "data")
            writer.field("length", length)
            writer.field("end_of_file", endOfFile)
        case .written(let length):
            writer.field("type", "written")
            writer.field("length", length)
        case .position(let offset):
            writer.field("type", "position")
            writer.field("offset", offset)
        case .link(let target):
            writer.field("type", "link")
            writer.field("target", bytes: target)
        case .bytes(let value):
            writer.field("type", "bytes")
            writer.field("value", bytes: value)
        case .names(let names):
            writer.field("type", "names")
            writer.key("names")
            writer.array { for name in names { $0.object { $0.field("name", bytes: name) } } }
        case .statistics(let statistics):
            writer.field("type", "statistics")
            writer.field("files", statistics.files)
            writer.field("directories", statistics.directories)
            writer.field("bytes", statistics.bytes)
            if let maximum = statistics.maximumBytes { writer.field("maximum_bytes", maximum) }
        case .receipt(let receipt):
            writer.field("type", "receipt")
            receipt.writeFields(to: &writer)
        case .session(let status):
            writer.field("type", "session")
            status.writeFields(to: &writer)
        case .history(let versions):
            writer.field("type", "history")
            writer.field("versions", versions)
        case .changes(let changes, let truncated):
            writer.field("type", "changes")
            writer.field("changes", changes)
            writer.field("truncated", truncated)
        case .conflicts(let conflicts):
            writer.field("type", "conflicts")
            writer.field("conflicts", conflicts)
        case .client: writer.field("type", "nfs_client")
        case .lock(let lock):
            writer.field("type", "lock")
            guard let lock else { break }
            writer.field("start", lock.range.start)
            writer.field("length", lock.range.length)
            writer.field("exclusive", lock.exclusive)
        }
    }
}

extension OperationCost: JSONEncodable {
    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("wan_round_trips", wideAreaRoundTrips)
            $0.field("wan_bytes", wideAreaBytes)
            $0.field("chunks_from_region", chunksFromRegion)
            $0.field("chunks_from_afar", chunksFromAfar)
        }
    }

    /// The value of the header `atoll-cost`: the four numbers of the JSON, in its order.
    package var header: String { "\(wideAreaRoundTrips) \(wideAreaBytes) \(chunksFromRegion) \(chunksFromAfar)" }

    package init?(header: String) {
        let parts = header.split(separator: " ").map { UInt64($0) }
        guard parts.count == 4, let trips = parts[0].flatMap({ UInt32(exactly: $0) }), let bytes = parts[1],
            let near = parts[2].flatMap({ UInt32(exactly: $0) }), let far = parts[3].flatMap({ UInt32(exactly: $0) })
        else { return nil }
        self.init(wideAreaRoundTrips: trips, wideAreaBytes: bytes, chunksFromRegion: near, chunksFromAfar: far)
    }
}

extension FileAttributes: JSONEncodable {
    package func write(to writer: inout JSONWriter) { writer.object { writeFields(to: &$0) } }

    package func writeFields(to writer: inout JSONWriter) {
        writer.field("inode", inode.rawValue)
        writer.field("type", type.word)
        writer.field("permissions", mode)
        writer.field("links", links)
        writer.field("owner", owner)
        writer.field("group", group)
        writer.field("size", size)
        writer.field("atime_ns", accessed.nanoseconds)
        writer.field("mtime_ns", modified.nanoseconds)
        writer.field("ctime_ns", changed.nanoseconds)
        writer.field("change_id", changeID)
        writer.field("allocated", allocated)
        if device != 0 { writer.field("device", device) }
    }
}

extension FileEntry: JSONEncodable {
    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("name", bytes: name)
            attributes.writeFields(to: &$0)
            if cookie != 0 { $0.field("cookie", identifier: cookie) }
        }
    }
}

extension CommitReceipt: JSONEncodable {
    package func write(to writer: inout JSONWriter) { writer.object { writeFields(to: &$0) } }

    package func writeFields(to writer: inout JSONWriter) {
        writer.field("version", version.rawValue)
        writer.field("digest", digest.hex)
        writer.field("conflicts", conflicts)
        writer.field("complete_regions", strings: completeRegions.map(\.name))
        writer.field("changes", changes)
    }
}

extension ConflictSummary: JSONEncodable {
    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("index", index)
            $0.field("path", path)
            $0.field("reason", reason)
            $0.field("losing_version", losingVersion.rawValue)
            $0.field("size", size)
        }
    }
}

extension VersionSummary: JSONEncodable {
    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("version", version.rawValue)
            $0.field("time", time.rfc3339)
            $0.field("time_ns", time.nanoseconds)
            $0.field("region", region)
            $0.field("message", message)
            $0.field("digest", digest.hex)
            $0.field("changes", changes)
        }
    }
}

extension PathChange: JSONEncodable {
    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("kind", kind.rawValue)
            $0.field("path", path)
            if let from { $0.field("from", from) }
            $0.field("size", size)
        }
    }
}

extension SessionStatus: JSONEncodable {
    package func write(to writer: inout JSONWriter) { writer.object { writeFields(to: &$0) } }

    package func writeFields(to writer: inout JSONWriter) {
        writer.field("session", identifier: session.rawValue)
        writer.field("filesystem", filesystem.description)
        writer.field("version", version.rawValue)
        writer.field("latest", latest.rawValue)
        writer.field("staged", staged)
        writer.field("open_files", openFiles)
        writer.field("read_only", readOnly)
        if filesystem.kind == .volume { writer.field("lag", lag) }
    }
}

extension RegionLag: JSONEncodable {
    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("region", region.name)
            $0.field("version", version.rawValue)
            $0.field("lag_s", Double(time.inNanoseconds / 1_000_000) / 1_000)
            $0.field("lag_commits", commits)
            $0.field("lag_bytes", bytes)
            $0.field("in_touch", isInTouch)
        }
    }
}

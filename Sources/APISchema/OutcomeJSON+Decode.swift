package import Filesystem
internal import Primitives

extension FileOutcome {
    package init(json: JSON) throws(FileFailure) {
        guard let cost = json["cost"] else { throw JSON.invalid("cost", "is missing") }
        self.init(value: try FileValue(json: json), cost: try OperationCost(json: cost))
    }
}

extension FileValue {
    fileprivate init(json: JSON) throws(FileFailure) {
        let type = try json.string("type")
        switch type {
        case "done": self = .done
        case "attributes": self = .attributes(try FileAttributes(json: json["attributes"] ?? .null))
        case "entries":
            let entries = try json.rows("entries") { json throws(FileFailure) in try FileEntry(json: json) }
            self = .entries(entries, nextCookie: json["next_cookie"] == nil ? nil : try json.identifier("next_cookie"))
        case "opened":
            self = .opened(HandleID(try json.identifier("handle")), try FileAttributes(json: json["attributes"] ?? .null))
        case "data": self = .data(length: try json.small("length"), endOfFile: try json.bool("end_of_file"))
        case "written": self = .written(length: try json.small("length"))
        case "position": self = .position(try json.unsigned("offset"))
        case "link": self = .link(try json.bytes("target"))
        case "bytes": self = .bytes(try json.bytes("value"))
        case "names": self = .names(try json.rows("names") { json throws(FileFailure) in try json.bytes("name") })
        case "statistics":
            self = .statistics(
                FilesystemStatistics(
                    files: try json.unsigned("files"), directories: try json.unsigned("directories"), bytes: try json.unsigned("bytes"),
                    maximumBytes: try json.optionalUnsigned("maximum_bytes")))
        case "receipt": self = .receipt(try CommitReceipt(json: json))
        case "session": self = .session(try SessionStatus(json: json))
        case "history": self = .history(try json.rows("versions") { json throws(FileFailure) in try VersionSummary(json: json) })
        case "changes":
            self = .changes(
                try json.rows("changes") { json throws(FileFailure) in try PathChange(json: json) }, truncated: try json.bool("truncated"))
        case "conflicts": self = .conflicts(try json.rows("conflicts") { json throws(FileFailure) in try ConflictSummary(json: json) })
        case "lock":
            guard json["start"] != nil else {
                self = .lock(nil)
                return
            }
            self = .lock(
                RangeLock(
                    range: LockRange(start: try json.unsigned("start"), length: try json.unsigned("length")),
                    exclusive: try json.bool("exclusive")))
        default: throw JSON.invalid("type", "\"\(type)\" is not known to this client")
        }
    }
}

extension JSON {
    package func rows<Row>(_ name: String, _ read: (JSON) throws(FileFailure) -> Row) throws(FileFailure) -> [Row] {
        var rows: [Row] = []
        for element in try array(name) { rows.append(try read(element)) }
        return rows
    }

    fileprivate func digest(_ name: String) throws(FileFailure) -> Digest {
        guard let digest = Digest(hex: try string(name)) else { throw Self.invalid(name, "must be 64 hexadecimal digits") }
        return digest
    }

    fileprivate func time(_ name: String) throws(FileFailure) -> WallTime { WallTime(nanoseconds: try signed(name)) }
}

extension OperationCost {
    package init(json: JSON) throws(FileFailure) {
        self.init(
            wideAreaRoundTrips: try json.small("wan_round_trips"), wideAreaBytes: try json.unsigned("wan_bytes"),
            chunksFromRegion: try json.small("chunks_from_region"), chunksFromAfar: try json.small("chunks_from_afar"))
    }
}

extension FileType {
    package init?(word: String) {
        switch word {
        case "file": self = .file
        case "dir": self = .directory
        case "link": self = .symlink
        case "fifo": self = .fifo
        case "socket": self = .socket
        case "char": self = .characterDevice
        case "block": self = .blockDevice
        default: return nil
        }
    }
}

extension FileAttributes {
    package init(json: JSON) throws(FileFailure) {
        guard let type = FileType(word: try json.string("type")) else { throw JSON.invalid("type", "is no type of file") }
        self.init(
            inode: InodeID(try json.unsigned("inode")), type: type, mode: try json.small("permissions"), links: try json.small("links"),
            owner: try json.small("owner"), group: try json.small("group"), size: try json.unsigned("size"),
            accessed: try json.time("atime_ns"), modified: try json.time("mtime_ns"), changed: try json.time("ctime_ns"),
            changeID: try json.unsigned("change_id"), allocated: try json.unsigned("allocated", default: 0),
            device: try json.unsigned("device", default: 0))
    }
}

extension FileEntry {
    package init(json: JSON) throws(FileFailure) {
        self.init(
            name: try json.bytes("name"), attributes: try FileAttributes(json: json),
            cookie: json["cookie"] == nil ? 0 : try json.identifier("cookie"))
    }
}

extension CommitReceipt {
    package init(json: JSON) throws(FileFailure) {
        self.init(
            version: VersionID(try json.unsigned("version")), digest: try json.digest("digest"),
            conflicts: try json.rows("conflicts") { json throws(FileFailure) in try ConflictSummary(json: json) },
            completeRegions: try json.strings("complete_regions").map(RegionID.init), changes: try json.unsigned("changes"))
    }
}

extension ConflictSummary {
    package init(json: JSON) throws(FileFailure) {
        self.init(
            index: try json.unsigned("index"), path: try json.path("path"), reason: try json.string("reason"),
            losingVersion: VersionID(try json.unsigned("losing_version")), size: try json.unsigned("size"))
    }
}

extension VersionSummary {
    package init(json: JSON) throws(FileFailure) {
        self.init(
            version: VersionID(try json.unsigned("version")), time: try json.time("time_ns"), region: try json.string("region"),
            message: try json.string("message"), digest: try json.digest("digest"), changes: try json.unsigned("changes"))
    }
}

extension PathChange {
    package init(json: JSON) throws(FileFailure) {
        guard let kind = Kind(rawValue: try json.string("kind")) else { throw JSON.invalid("kind", "is no kind of change") }
        self.init(
            kind: kind, path: try json.path("path"), from: json.hasBytes("from") ? try json.path("from") : nil,
            size: try json.unsigned("size"))
    }
}

extension SessionStatus {
    package init(json: JSON) throws(FileFailure) {
        guard let filesystem = FilesystemID(try json.string("filesystem")) else {
            throw JSON.invalid("filesystem", "is no id of a file system")
        }
        self.init(
            session: SessionID(try json.identifier("session")), filesystem: filesystem, version: VersionID(try json.unsigned("version")),
            latest: VersionID(try json.unsigned("latest")), staged: try json.unsigned("staged"), openFiles: try json.small("open_files"),
            readOnly: try json.bool("read_only"),
            lag: json["lag"] == nil ? [] : try json.rows("lag") { row throws(FileFailure) in try RegionLag(json: row) })
    }
}

extension RegionLag {
    init(json: JSON) throws(FileFailure) {
        self.init(
            region: RegionID(try json.string("region")), version: VersionID(try json.unsigned("version")),
            commits: try json.unsigned("lag_commits"), bytes: try json.unsigned("lag_bytes"),
            time: .milliseconds(Int64((try json.real("lag_s") * 1_000).rounded())), isInTouch: try json.bool("in_touch"))
    }
}

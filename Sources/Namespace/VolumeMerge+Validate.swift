import Primitives

extension VolumeMerge {
    private func malformed(_ id: InodeID, _ cause: String) -> NamespaceError {
        NamespaceError(.invalid, object: "\(id)", cause: "malformed changes: \(cause)", hint: "this is a fault of the client")
    }

    /// Refuses what no session writes, so that the steps need not look.
    mutating func validate() throws(NamespaceError) {
        try validateInodes()
        for (index, hint) in changes.directories.enumerated() {
            guard !hint.id.isProvisional, hint.id.rawValue < state.nextInode, hint.inode.isDirectory, hintIndex[hint.id.rawValue] == nil,
                isKnown(hint.name.directory)
            else {
                throw malformed(hint.id, "a hint that is none")
            }
            if hint.id != .root { try NamespaceState.validate(hint.name.name) }
            hintIndex[hint.id.rawValue] = index
        }
        try validateEntries()
        for change in changes.inodes {
            for name in change.names {
                try NamespaceState.validate(name.name)
                guard isKnown(name.directory) else { throw malformed(name.directory, "it never was") }
            }
            guard change.id.isProvisional || before.inode(change.id).map({ $0.type == change.inode.type }) ?? true else {
                throw malformed(change.id, "another type")
            }
        }
    }

    /// Whether the number was handed out, by this file system or by the session.
    private func isKnown(_ id: InodeID) -> Bool {
        id.isProvisional ? changeIndex[id.rawValue] != nil : id.rawValue < state.nextInode
    }

    private mutating func validateInodes() throws(NamespaceError) {
        for (index, change) in changes.inodes.enumerated() {
            guard changeIndex[change.id.rawValue] == nil, change.id.rawValue != 0 else { throw malformed(change.id, "listed twice") }
            changeIndex[change.id.rawValue] = index
            guard change.id.isProvisional == (change.base == nil) else { throw malformed(change.id, "a base that it cannot have") }
            guard change.id.isProvisional || change.id.rawValue < state.nextInode else { throw malformed(change.id, "it never was") }
            if let content = change.content {
                try content.validate("\(change.id)")
                guard change.inode.type == .file || (change.inode.type == .symlink && content.extents.isEmpty && !content.inline.isEmpty)
                else {
                    throw malformed(change.id, "content that its type cannot have")
                }
            }
            let needsContent = change.inode.type == .file || change.inode.type == .symlink
            guard !change.id.isProvisional || !needsContent || change.content != nil else { throw malformed(change.id, "no content") }
            for xattr in change.xattrs ?? [] {
                guard (1...NamespaceLimits.nameBytes).contains(xattr.name.count), !xattr.name.contains(0) else {
                    throw malformed(change.id, "the name of an extended attribute")
                }
            }
        }
    }

    private mutating func validateEntries() throws(NamespaceError) {
        var begin = 0
        var seen: [UInt64: Bool] = [:]
        var namedDirectories: [UInt64: Bool] = [:]
        for (index, entry) in changes.entries.enumerated() {
            try NamespaceState.validate(entry.name.name)
            let directory = entry.name.directory
            if index + 1 == changes.entries.count || changes.entries[index + 1].name.directory != directory {
                guard seen[directory.rawValue] == nil else { throw malformed(directory, "its entries are apart") }
                seen[directory.rawValue] = true
                order.append((directory, begin..<index + 1))
                begin = index + 1
            }
            guard isKnown(directory) else { throw malformed(directory, "it never was") }
            if directory.isProvisional {
                guard change(of: directory)?.inode.isDirectory ?? false, entry.old == nil else {
                    throw malformed(directory, "no new directory")
                }
            }
            guard entry.old.map({ !$0.inode.isProvisional && $0.inode != .root }) ?? true else {
                throw malformed(directory, "an old target")
            }
            guard let target = entry.new else { continue }
            try validateTarget(target)
            if target.type == .directory {
                guard namedDirectories[target.inode.rawValue] == nil else { throw malformed(target.inode, "a directory with two names") }
                namedDirectories[target.inode.rawValue] = true
            }
            if !target.inode.isProvisional { named[target.inode.rawValue] = true }
        }
        try validateUniqueNames()
    }

    private func validateTarget(_ target: EntryTarget) throws(NamespaceError) {
        guard target.inode != .root, target.inode.rawValue != 0 else { throw malformed(target.inode, "the root has no name") }
        if target.inode.isProvisional {
            guard let change = change(of: target.inode), change.inode.type == target.type else {
                throw malformed(target.inode, "a new name without a new inode")
            }
        } else {
            guard target.inode.rawValue < state.nextInode, before.inode(target.inode).map({ $0.type == target.type }) ?? true else {
                throw malformed(target.inode, "another type")
            }
        }
    }

    private func validateUniqueNames() throws(NamespaceError) {
        for (directory, range) in order where range.count > 1 {
            let names = changes.entries[range].map(\.name.name).sorted { $0.lexicographicallyPrecedes($1) }
            for index in 1..<names.count where names[index] == names[index - 1] { throw malformed(directory, "a name listed twice") }
        }
    }
}

// What happened under faults, in words. Each sentence is built from the spans that were measured.
extension FaultsSection.Record {
    /// `region ap-northeast-1 cut off from all others for 10.0 s`
    package var title: String {
        let held = Figure.duration((mendingS - brokenS) * 1_000)
        return switch fault {
        case "partition": "region \(region) cut off from all others for \(held)"
        case "primary-lost": "all nodes of \(region), the primary region, killed, and started again after \(held)"
        default: "\(fault) of \(region) for \(held)"
        }
    }

    /// What one kind did: one sentence for reads, one for writes.
    package func words(_ kind: String) -> String {
        let name = kind == "nfs" ? "Network file system" : "Volume"
        let parts = ["read", "write"].compactMap { operation -> String? in
            let own = clients.filter { $0.kind == kind && $0.operation == operation }
            guard !own.isEmpty else { return nil }
            return "\(operation)s \(spans(own))"
        }
        return parts.isEmpty ? "\(name): not tried" : "\(name): \(parts.joined(separator: "; "))"
    }

    /// `went on everywhere`, `failed in a for 10.2 s, and went on in b and c`; of many regions the least and the greatest span.
    private func spans(_ clients: [FaultsSection.Client]) -> String {
        let away = clients.filter { !$0.outages.isEmpty }
        let well = clients.filter(\.outages.isEmpty).map(\.region)
        guard !away.isEmpty else { return "went on everywhere" }
        let others = well.isEmpty ? "" : ", and went on in \(Figure.joined(well))"
        guard away.count <= 6 else {
            let times = away.map(\.unavailableMs).sorted()
            return "failed in \(away.count) regions, for \(Figure.duration(times.first)) to \(Figure.duration(times.last))\(others)"
        }
        let places = away.map { "in \($0.region) for \(Figure.duration($0.unavailableMs))" }
        return "failed \(Figure.joined(places))\(others)"
    }

    /// How long after mending began the last client succeeded again; nil where none was away by then.
    package func backMs(_ kind: String) -> Double? {
        let ends = clients.filter { $0.kind == kind }.flatMap(\.outages).filter { $0.fromS < mendingS && $0.toS > mendingS }.map(\.toS)
        return ends.max().map { Figure.rounded(($0 - mendingS) * 1_000, 1) }
    }
}

extension FaultsSection {
    /// One for each fault, and one of what was acknowledged.
    package var sentences: [String] {
        var out = mainRecords.map { record in
            var text = "\(record.title). \(["nfs", "volume"].map(record.words).joined(separator: ". "))."
            let back = ["nfs", "volume"].compactMap { kind in
                record.backMs(kind).map { "\(kind == "nfs" ? "network file system" : "volume") \(Figure.duration($0))" }
            }
            if !back.isEmpty { text += " Last client back after mending began: \(back.joined(separator: ", "))." }
            return text
        }
        out += predictionSentences + proofSentences
        if let leftOut { out.append("Faults were \(records.isEmpty ? "left out" : "not all made"): \(leftOut).") }
        return out.map { $0.prefix(1).uppercased() + $0.dropFirst() }
    }

    /// Of measured clients: how many did as the simulator said, and why others did not.
    var predictionSentences: [String] {
        let pairs = mainRecords.flatMap { record in
            record.clients.compactMap { client in predicted(record, client).map { (record, client, $0) } }
        }
        guard !pairs.isEmpty else { return [] }
        func isNear(_ measured: Client, _ guess: Client) -> Bool {
            guard measured.outages.isEmpty == guess.outages.isEmpty else { return false }
            return abs(measured.unavailableMs - guess.unavailableMs) <= max(1_000, measured.unavailableMs / 10)
        }
        let missed = pairs.filter { !isNear($0.1, $0.2) }
        var out = [
            "of \(pairs.count) clients under faults \(pairs.count - missed.count) did as the simulator said (the same gaps, or none, within "
                + "a second or a tenth)."
        ]
        guard let (record, client, guess) = missed.max(by: { gap($0.1, $0.2) < gap($1.1, $1.2) }) else { return out }
        out.append(
            "the farthest off: \(client.operation)s of the \(client.kind == "nfs" ? "network file system" : "volume") from \(client.region) "
                + "with \(record.region) \(record.fault == "partition" ? "cut off" : "lost"), simulated \(Self.cell(guess)), measured "
                + "\(Self.cell(client)). A call that ends just before it is given up is no gap and one that ends just after is a long one; "
                + "and mending took "
                + "\(Figure.duration((record.mendedS - record.mendingS) * 1_000)) here and takes no time there.")
        return out
    }

    private func gap(_ a: Client, _ b: Client) -> Double { abs(a.unavailableMs - b.unavailableMs) }

    var proofSentences: [String] {
        mainProofs.map { proof in
            let name = proof.kind == "nfs" ? "network file system" : "volume"
            let place = proof.readIn.count == 1 ? "in \(proof.readIn[0])" : "in each of \(Figure.joined(proof.readIn))"
            if proof.missing.isEmpty {
                return "\(name): \(proof.acknowledged) files were acknowledged under faults, and all of them were read again \(place)."
            }
            return
                "\(name): OF \(proof.acknowledged) FILES ACKNOWLEDGED UNDER FAULTS \(proof.acknowledged - proof.found) WERE NOT READ AGAIN "
                + "\(place): \(proof.missing.joined(separator: "; "))."
        }
    }

    /// For the verdict: what the loss of the primary region did to each kind, in one sentence.
    var verdictSentence: String? {
        guard let lost = mainRecords.first(where: { $0.fault == "primary-lost" }) else { return nil }
        func worst(_ kind: String, _ operation: String) -> Double {
            lost.clients.filter { $0.kind == kind && $0.operation == operation && $0.region != lost.region }.map(\.unavailableMs).max() ?? 0
        }
        func words(_ kind: String) -> String {
            let read = worst(kind, "read")
            let write = worst(kind, "write")
            if read == 0, write == 0 { return "went on" }
            if read == 0 { return "was read on without a gap, and written again after \(Figure.duration(write))" }
            return "was away for \(Figure.duration(max(read, write)))"
        }
        let held = Figure.duration((lost.mendingS - lost.brokenS) * 1_000)
        return "With \(lost.region), the primary region, lost for \(held): for clients elsewhere the network file system "
            + "\(words("nfs")); the volume \(words("volume"))."
    }

    /// A client's span for a table.
    static func cell(_ client: Client?) -> String {
        guard let client else { return "–" }
        if client.outages.isEmpty { return "went on" }
        return Figure.duration(client.unavailableMs) + (client.hasEnded ? "" : ", not back")
    }

    func table(_ record: Record, _ regions: [String]) -> TextTable {
        let isPredicted = records.contains { $0.world == "simulated" } && record.world == "live"
        var columns: [(String, TextTable.Alignment)] = [("client in", .left)]
        for kind in ["NFS", "volume"] { for operation in ["reads", "writes"] { columns.append(("\(kind) \(operation)", .right)) } }
        var table = TextTable(columns)
        for region in regions {
            var cells = [region == record.region ? "\(region) (\(record.fault == "partition" ? "cut off" : "lost"))" : region]
            for kind in ["nfs", "volume"] {
                for operation in ["read", "write"] {
                    let client = record.client(kind, region, operation)
                    var text = Self.cell(client)
                    if isPredicted, let client { text = "\(Self.cell(predicted(record, client))) : \(text)" }
                    cells.append(text)
                }
            }
            table.add(cells)
        }
        return table
    }

    /// What the reader of a table must know.
    func explanation(_ record: Record?) -> String {
        let both = records.contains { $0.world == "simulated" } && records.contains { $0.world == "live" }
        let made = record?.world == "simulated" ? "In the simulated cluster" : "After all measurements, on the cluster itself"
        return
            "\(made): a reader and a writer of small files in every region and on both kinds, one operation each 100 ms, a call given up "
            + "after two seconds or eight of the map’s longest round trips. Times: how long nothing succeeded, from the start of the first "
            + "operation that failed to the end of the next that did not\(both ? "; simulated : measured" : ""). A client in a region whose "
            + "nodes are killed has nobody to talk to."
    }
}

extension TerminalReport {
    func faults() -> String {
        guard let faults = report.faults, !(faults.records.isEmpty && faults.leftOut == nil) else { return "" }
        var out = "Under faults: how long small reads and writes did not succeed\n"
        let regions = report.regionsByDistance.map(\.id)
        for record in faults.mainRecords {
            out += wrap(record.title, indent: 2) + faults.table(record, regions).text(indent: 4)
        }
        for sentence in faults.predictionSentences + faults.proofSentences {
            out += wrap(sentence.prefix(1).uppercased() + sentence.dropFirst(), indent: 4, bullet: "· ")
        }
        if let leftOut = faults.leftOut { out += wrap("Faults were left out, or not all made: \(leftOut).", indent: 4, bullet: "· ") }
        return out + "\n"
    }
}

extension MarkdownReport {
    func faults() -> String {
        guard let faults = report.faults else { return "" }
        var out = "\n## Under faults\n\n"
        if !faults.records.isEmpty { out += faults.explanation(faults.mainRecords.first) + "\n\n" }
        for sentence in faults.sentences { out += "- \(sentence)\n" }
        let regions = report.regionsByDistance.map(\.id)
        for record in faults.mainRecords {
            out += "\n### \(record.title.prefix(1).uppercased() + record.title.dropFirst())\n\n" + faults.table(record, regions).markdown()
        }
        return out
    }
}

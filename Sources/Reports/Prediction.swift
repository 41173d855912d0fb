internal import Workloads

/// What the simulator predicted beside what was measured: the medians of each operation, and how far
/// they are apart.
package struct Prediction: Codable, Sendable, Equatable {
    package struct Row: Codable, Sendable, Equatable {
        /// Why a prediction is off by more than a tenth, as far as the figures tell.
        package enum Cause: String, Codable, Sendable, CaseIterable {
            /// The count of wide-area round trips is another one.
            case roundTrips = "round-trips"
            /// More than half of the measured time was spent on this machine.
            case local
            /// The measured medians of the repetitions differ by as much.
            case scatter
            /// Time is spent on many bytes: windows, pieces in flight, other flows.
            case bytes
            case other
        }
        package var workload: String
        package var kind: String
        package var region: String
        package var operation: String
        package var cache: String
        package var predictedMs: Double
        package var measuredMs: Double
        /// (predicted − measured) ÷ measured.
        package var error: Double
        /// Median counts of wide-area round trips.
        package var predictedTrips: Double
        package var measuredTrips: Double
        /// Null where the prediction is within a tenth.
        package var cause: Cause?

        package var isWithin: Bool { abs(error) <= Prediction.tolerance }
    }

    package static let tolerance = 0.1

    package var rows: [Row]
    /// Rows within a tenth of the measured median, and of those that cross regions.
    package var within: Int
    package var distantRows: Int
    package var distantWithin: Int
    /// The middle of the absolute errors.
    package var medianError: Double?
    /// What was predicted well, and why the rest was not.
    package var sentences: [String]

    /// Rows of both reports that have a median; nothing is left out because it does not fit.
    package init(live: ComparisonReport, simulated: ComparisonReport) {
        rows = live.results.compactMap { measured in
            // Under faults what counts is how long nothing succeeded, which has a table of its own.
            guard measured.workload != FaultProbe.workload, let p50 = measured.p50Ms, p50 > 0,
                let predicted = simulated.row(
                    measured.workload, measured.kind, measured.region, measured.operation, measured.cache), let guess = predicted.p50Ms
            else { return nil }
            var row = Row(
                workload: measured.workload, kind: measured.kind, region: measured.region, operation: measured.operation,
                cache: measured.cache, predictedMs: guess, measuredMs: p50, error: Figure.rounded((guess - p50) / p50, 4),
                predictedTrips: predicted.wanRoundTripsMedian, measuredTrips: measured.wanRoundTripsMedian)
            if !row.isWithin { row.cause = Self.cause(measured, predicted, live.rtt(measured.region)) }
            return row
        }
        within = rows.count(where: \.isWithin)
        let distant = rows.filter { $0.measuredTrips >= 1 }
        distantRows = distant.count
        distantWithin = distant.count(where: \.isWithin)
        medianError = Measurement.percentile(0.5, of: rows.map { abs($0.error) }).map { Figure.rounded($0, 4) }
        sentences = []
        sentences = words()
    }

    private static func cause(_ measured: ResultRow, _ predicted: ResultRow, _ rtt: Double) -> Row.Cause {
        guard let p50 = measured.p50Ms, let guess = predicted.p50Ms else { return .other }
        if measured.wanRoundTripsMedian != predicted.wanRoundTripsMedian { return .roundTrips }
        // A volume's commit waits for a majority that no client counts; what is left is this machine.
        let distance = max(measured.wanRoundTripsMedian * rtt, guess > 5 * p50 ? p50 : 0)
        if measured.isBulk, p50 > 5 || distance > 0 { return .bytes }
        if p50 < 5 || distance > 0 && p50 - distance > p50 / 2 { return .local }
        if let low = measured.spread.p50MinMs, let high = measured.spread.p50MaxMs,
            high - low > tolerance * p50 || (low...high).contains(guess)
        {
            return .scatter
        }
        return .other
    }
}

// The words.
extension Prediction {
    private func words() -> [String] {
        guard !rows.isEmpty else { return ["Nothing was both simulated and measured."] }
        var out = [
            "\(within) of \(rows.count) medians (\(Figure.percent(Double(within) / Double(rows.count)))) lie within 10 % of the prediction; of "
                + "those that wait for another region, \(distantWithin) of \(distantRows)"
                + (distantRows > 0 ? " (\(Figure.percent(Double(distantWithin) / Double(distantRows))))." : ".")
        ]
        if let medianError { out.append("The middle of all errors is \(Figure.percent(medianError)).") }
        for cause in Row.Cause.allCases {
            let missed = rows.filter { $0.cause == cause }
            guard let worst = missed.max(by: { abs($0.error) < abs($1.error) }) else { continue }
            let example =
                "the farthest off: \(worst.operation) \(worst.cache) of \(worst.workload) on the "
                + "\(worst.kind == "nfs" ? "network file system" : "volume") from \(worst.region), predicted "
                + "\(Figure.duration(worst.predictedMs)), measured \(Figure.duration(worst.measuredMs))"
            out.append("\(missed.count) \(missed.count == 1 ? "is" : "are") off \(Self.reason(cause)); \(example).")
        }
        return out
    }

    private static func reason(_ cause: Row.Cause) -> String {
        switch cause {
        case .roundTrips:
            "because the client paid another number of round trips (caches that ran out, readahead that was or was not in time)"
        case .local:
            "because most of their time is this machine’s processor and disk, which the simulator does not model but for the table of "
                + "costs (measured calm and one by one)"
        case .scatter: "by no more than the measured repetitions differ among themselves"
        case .bytes: "because they move many bytes, where windows, compression and other flows count"
        case .other: "for a reason that the figures do not tell"
        }
    }
}

extension ComparisonReport {
    /// This, the measured one, with the rows of a simulated run of the same and what they say of it.
    package func predicted(by simulated: ComparisonReport) -> ComparisonReport {
        var copy = self
        copy.prediction = Prediction(live: self, simulated: simulated)
        copy.results += simulated.results
        copy.faults?.records += simulated.faults?.records ?? []
        copy.faults?.proofs += simulated.faults?.proofs ?? []
        copy.costs = simulated.costs
        copy.notes += simulated.notes.map { "Simulated: \($0)" }
        return copy
    }
}

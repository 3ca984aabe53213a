"""Datasets: list, look at, delete, look up again."""
from flask import Response

from servicex.api.auth import caller
from servicex.api.operation import operation
from servicex.api.records import dataset_record, file_record
from servicex.api.resource import ServiceXResource
from servicex.api.schemas import DatasetDeleted, DatasetList, DatasetQuery, DatasetRecord
from servicex.api.streams import answer_with_list, list_answer, one_more


class Datasets(ServiceXResource):
    """All datasets."""

    @operation(answer=DatasetList, query=DatasetQuery)
    def get(self, query: DatasetQuery) -> Response:
        """The datasets known, newest first, without their files."""
        found = self.services.datasets.list(caller(), query.did_finder, query.show_deleted, query.cursor,
                                            one_more(query.limit))
        return list_answer("datasets", found, dataset_record, query.limit, lambda dataset: dataset.id)


class Dataset(ServiceXResource):
    """One dataset."""

    @operation(answer=DatasetRecord)
    def get(self, dataset_id: int) -> Response:
        """A dataset with its files."""
        dataset, files = self.services.datasets.get(caller(), dataset_id)
        return answer_with_list(dataset_record(dataset), "files", files, file_record)

    @operation(answer=DatasetDeleted, failures=(400,))
    def delete(self, dataset_id: int) -> DatasetDeleted:
        """Have the dataset looked up anew by whoever names it next. What runs on it goes on."""
        dataset = self.services.datasets.delete(caller(), dataset_id)
        return DatasetDeleted(dataset_id=dataset.id, stale=dataset.is_stale)


class DatasetRefresh(ServiceXResource):
    """The looking up again of a dataset."""

    @operation(answer=DatasetRecord, failures=(400,))
    def post(self, dataset_id: int) -> DatasetRecord:
        """Look the dataset up again now. The answer is the new row; transforms that run keep the old one."""
        return dataset_record(self.services.datasets.refresh(caller(), dataset_id))

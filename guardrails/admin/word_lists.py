"""Word lists in the console."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from common.admin import ConfigurationAdmin, display
from common.forms import ConsoleForm, WordsField
from guardrails import domain
from guardrails.models import WordList


class WordListForm(ConsoleForm):
    words = WordsField(
        required=True,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 20}),
        help_text='One a line. A rule names the list in its parameters: {"lists": ["its name"]}. Policies in force change when they are '
        "published again.",
    )

    class Meta:
        model = WordList
        fields = ("name", "words")


@admin.register(WordList)
class WordListAdmin(ConfigurationAdmin):
    form = WordListForm
    list_display = ("name", "words_count", "updated_at")
    search_fields = ("name",)

    @display(description="Words")
    def words_count(self, words: WordList) -> str:
        return f"{len(words.words):,}"

    def save_model(self, request: HttpRequest, obj: WordList, form: object, change: bool) -> None:
        domain.save_word_list(obj)

    def delete_model(self, request: HttpRequest, obj: WordList) -> None:
        domain.delete_word_list(obj)
